/** The console's keys: which press means which act. Pure but for the memory of a begun sequence. */

export type Act =
  | "next"
  | "previous"
  | "open"
  | "go_needs_reply"
  | "go_mine"
  | "go_unassigned"
  | "go_bot"
  | "search"
  | "take_over"
  | "hand_back"
  | "resolve"
  | "reply"
  | "note"
  | "views"
  | "side"
  | "sheet";

/** Acts that the composer hears by itself; they stand on the sheet of keys. */
export type WritingAct = "send" | "send_resolve" | "escape";

export interface Binding {
  /** Presses one after another; `Mod` is Ctrl, on Apple keyboards Cmd. */
  keys: readonly string[];
  act: Act | WritingAct;
  group: "go" | "act" | "write";
  /** Also inside text fields. */
  typing?: true;
}

export const BINDINGS: readonly Binding[] = [
  { keys: ["J"], act: "next", group: "go" },
  { keys: ["K"], act: "previous", group: "go" },
  { keys: ["Alt+ArrowDown"], act: "next", group: "go", typing: true },
  { keys: ["Alt+ArrowUp"], act: "previous", group: "go", typing: true },
  { keys: ["Enter"], act: "open", group: "go" },
  { keys: ["O"], act: "open", group: "go" },
  { keys: ["G", "I"], act: "go_needs_reply", group: "go" },
  { keys: ["G", "M"], act: "go_mine", group: "go" },
  { keys: ["G", "U"], act: "go_unassigned", group: "go" },
  { keys: ["G", "B"], act: "go_bot", group: "go" },
  { keys: ["/"], act: "search", group: "go" },
  { keys: ["T"], act: "take_over", group: "act" },
  { keys: ["Shift+T"], act: "hand_back", group: "act" },
  { keys: ["E"], act: "resolve", group: "act" },
  { keys: ["["], act: "views", group: "act" },
  { keys: ["]"], act: "side", group: "act" },
  { keys: ["?"], act: "sheet", group: "act" },
  { keys: ["R"], act: "reply", group: "write" },
  { keys: ["N"], act: "note", group: "write" },
  { keys: ["Mod+Enter"], act: "send", group: "write" },
  { keys: ["Mod+Shift+Enter"], act: "send_resolve", group: "write" },
  { keys: ["Escape"], act: "escape", group: "write" },
];

const WRITING: readonly string[] = ["send", "send_resolve", "escape"];
const SEQUENCE = 1_200;

export type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** A press as the bindings spell it. Marks such as `?` and `[` need different modifiers on different keyboards. */
export function spelled(press: Press): string {
  const { key } = press;
  if (key.length === 1 && !/[\p{L}\p{N} ]/u.test(key)) return key;
  const name = key.length === 1 ? key.toUpperCase() : key;
  return `${press.ctrlKey || press.metaKey ? "Mod+" : ""}${press.altKey ? "Alt+" : ""}${press.shiftKey ? "Shift+" : ""}${name}`;
}

/** Where the press went, as far as keys care. */
export interface Place {
  /** A text field has the focus. */
  typing: boolean;
  /** A button or link has it: Enter is theirs. */
  pressable: boolean;
}

export class KeyReader {
  #begun: string[] = [];
  #at = 0;

  read(press: Press, place: Place, now: number): Act | null {
    if (["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(press.key)) return null;
    const key = spelled(press);
    const sequence = now - this.#at < SEQUENCE ? [...this.#begun, key] : [key];
    this.#at = now;
    const candidates = BINDINGS.filter((binding) => !WRITING.includes(binding.act) && (binding.typing || !place.typing));
    const match = (keys: readonly string[]) => candidates.find((binding) => same(binding.keys, keys));
    const found = match(sequence) ?? match([key]);
    if (found) {
      this.#begun = [];
      return key === "Enter" && place.pressable ? null : (found.act as Act);
    }
    this.#begun = candidates.some((binding) => binding.keys.length > 1 && binding.keys[0] === key) ? [key] : [];
    return null;
  }
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}

export function placeOf(target: EventTarget | null): Place {
  const element = target instanceof Element ? target : null;
  return {
    typing: element?.closest("input, textarea, select, [contenteditable=true]") != null,
    pressable: element?.closest("button, a, [role=tab], [role=menuitem]") != null,
  };
}

/** How a key is shown: glyphs on Apple keyboards, words elsewhere. */
export function shownKey(key: string, apple: boolean): string {
  const names: Record<string, string> = apple
    ? { Mod: "⌘", Shift: "⇧", Alt: "⌥", Enter: "⏎", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" }
    : { Mod: "Ctrl", Shift: "Shift", Alt: "Alt", Enter: "⏎", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
  return key
    .split("+")
    .map((part) => names[part] ?? part)
    .join(apple ? "" : "+");
}

export const isApple = (): boolean => /Mac|iP(hone|ad|od)/.test(navigator.platform);
