import { describe, expect, test } from "vitest";

import { BINDINGS, KeyReader, type Press, shownKey, spelled } from "../src/keys/keys";
import en from "../src/texts/en.json";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});
const PAGE = { typing: false, pressable: false };
const FIELD = { typing: true, pressable: false };

describe("keys", () => {
  test("a single key acts on the page and not in a text field", () => {
    expect(new KeyReader().read(press("t"), PAGE, 0)).toBe("take_over");
    expect(new KeyReader().read(press("t"), FIELD, 0)).toBeNull();
  });

  test("shift is another key", () => {
    expect(new KeyReader().read(press("T", { shiftKey: true }), PAGE, 0)).toBe("hand_back");
  });

  test("with a modifier of the browser it is the browser's", () => {
    expect(new KeyReader().read(press("r", { ctrlKey: true }), PAGE, 0)).toBeNull();
    expect(new KeyReader().read(press("n", { metaKey: true }), PAGE, 0)).toBeNull();
  });

  test("Alt and arrows walk the list, also from a text field", () => {
    expect(new KeyReader().read(press("ArrowDown", { altKey: true }), FIELD, 0)).toBe("next");
    expect(new KeyReader().read(press("ArrowUp", { altKey: true }), FIELD, 0)).toBe("previous");
  });

  test("G then a letter goes to a view; too late it is the letter alone", () => {
    const reader = new KeyReader();
    expect(reader.read(press("g"), PAGE, 0)).toBeNull();
    expect(reader.read(press("m"), PAGE, 500)).toBe("go_mine");
    reader.read(press("g"), PAGE, 1_000);
    expect(reader.read(press("r"), PAGE, 9_000)).toBe("reply");
  });

  test("a letter that ends no sequence keeps its own meaning", () => {
    const reader = new KeyReader();
    reader.read(press("g"), PAGE, 0);
    expect(reader.read(press("t"), PAGE, 100)).toBe("take_over");
  });

  test("marks are known on keyboards that need modifiers for them", () => {
    expect(new KeyReader().read(press("?", { shiftKey: true }), PAGE, 0)).toBe("sheet");
    expect(new KeyReader().read(press("[", { ctrlKey: true, altKey: true }), PAGE, 0)).toBe("views");
  });

  test("Enter on a button is the button's", () => {
    expect(new KeyReader().read(press("Enter"), { typing: false, pressable: true }, 0)).toBeNull();
    expect(new KeyReader().read(press("Enter"), PAGE, 0)).toBe("open");
  });

  test("every binding is spelled as a press is, and has its text on the sheet", () => {
    for (const { keys, act } of BINDINGS) {
      expect(`keys.${act}` in en, act).toBe(true);
      expect(keys.length).toBeGreaterThan(0);
    }
    expect(spelled(press("Enter", { ctrlKey: true, shiftKey: true }))).toBe("Mod+Shift+Enter");
  });

  test("keys are shown as the keyboard has them", () => {
    expect(shownKey("Mod+Shift+Enter", true)).toBe("⌘⇧⏎");
    expect(shownKey("Mod+Shift+Enter", false)).toBe("Ctrl+Shift+⏎");
  });
});
