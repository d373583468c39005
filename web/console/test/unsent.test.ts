import { expect, test } from "vitest";

import { Unsent } from "../src/composer/unsent";

class Box implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  kept = new Map<string, string>();
  getItem = (name: string) => this.kept.get(name) ?? null;
  setItem = (name: string, value: string) => void this.kept.set(name, value);
  removeItem = (name: string) => void this.kept.delete(name);
}

test("a text comes back after a reload, for its agent, conversation and kind alone", () => {
  const box = new Box();
  new Unsent(box, "mara").write("c1", "reply", "Dear Ana");
  const again = new Unsent(box, "mara");
  expect(again.text("c1", "reply")).toBe("Dear Ana");
  expect(again.text("c1", "note")).toBe("");
  expect(again.text("c2", "reply")).toBe("");
  expect(new Unsent(box, "jo").text("c1", "reply")).toBe("");
});

test("what was on its way when the page closed comes back", () => {
  const box = new Box();
  const unsent = new Unsent(box, "mara");
  unsent.write("c1", "reply", "first");
  unsent.lift("c1", "reply", "k1");
  unsent.write("c1", "reply", "second");
  expect(new Unsent(box, "mara").text("c1", "reply")).toBe("first\n\nsecond");
  unsent.settle("c1", "reply", "k1");
  expect(new Unsent(box, "mara").text("c1", "reply")).toBe("second");
});

test("what was refused stands before what was written since", () => {
  const unsent = new Unsent(null, "mara");
  unsent.write("c1", "reply", "first");
  unsent.lift("c1", "reply", "k1");
  unsent.write("c1", "reply", "second");
  unsent.giveBack("c1", "reply", "k1");
  expect(unsent.text("c1", "reply")).toBe("first\n\nsecond");
});

test("where storage is denied the text lives as long as the page", () => {
  const denied = {
    getItem: () => {
      throw new Error("denied");
    },
    setItem: () => {
      throw new Error("denied");
    },
    removeItem: () => {},
  };
  const unsent = new Unsent(denied, "mara");
  unsent.write("c1", "note", "hello");
  expect(unsent.text("c1", "note")).toBe("hello");
});
