import { expect, test } from "vitest";
import type { WidgetEvent, WidgetPart } from "../../shared/schema";
import { EMPTY, type State, mine, unread } from "../src/store";
import { type Row, type Said, choosing, mayChoose, timeline } from "../src/timeline";
import { spoken } from "../src/views/Message";
import { BOT, CUSTOMER, GREETING, MARA, controlled, said } from "./frames";

const QUICK = {
  part: "choices" as const,
  prompt: "",
  look: "quick" as const,
  options: [
    { label: "Yes", token: "t-yes" },
    { label: "No", token: "t-no" },
  ],
} satisfies WidgetPart;
const BUTTONS: WidgetPart = { ...QUICK, look: "buttons" };

function state(more: Partial<State>): State {
  return { ...EMPTY, greeting: GREETING, control: { state: "bot", speaker: BOT }, ...more };
}

function rows(more: Partial<State>): string[] {
  return timeline(state(more)).map((row) =>
    row.row === "said" ? `${row.by.kind}${row.first ? " first" : ""}${row.last ? " last" : ""}` : row.row,
  );
}

/** Whether the options of the message with this key may be chosen. */
function open(key: string, more: Partial<State>, quick = true): boolean {
  const whole = state(more);
  const all = timeline(whole);
  const row = all.find((each): each is Said => each.row === "said" && each.key === key)!;
  return mayChoose(row, QUICK.options, quick, choosing(whole, all));
}

test("a run is one speaker within two minutes", () => {
  const late = said(30, "later", { at: "2026-03-02T09:05:00Z" });
  expect(rows({ events: [said(1, "a"), said(2, "b"), said(3, "c", { by: MARA }), late], greeting: null })).toEqual([
    "day",
    "bot first",
    "bot last",
    "agent first last",
    "bot first last",
  ]);
});

test("the greeting stands first, and only where the conversation begins", () => {
  expect(rows({ events: [said(1, "a", { by: CUSTOMER })] })).toEqual(["day", "bot first last", "customer first last"]);
  expect(rows({ events: [said(1, "a", { by: CUSTOMER })], more: true })).toEqual(["day", "customer first last"]);
});

test("every day has its label", () => {
  const events = [said(1, "a", { at: "2026-03-01T12:00:00" }), said(2, "b", { at: "2026-03-02T12:00:00" })];
  expect(rows({ events, greeting: null })).toEqual(["day", "bot first last", "day", "bot first last"]);
});

test("a message keeps its key from draft or outbox to event", () => {
  const item = { id: "m1", at: 0, text: "Hi", token: "", after: 0, state: "sending", why: "" } as const;
  const before = timeline(mine(state({}), item)).at(-1)!;
  const after = timeline(state({ events: [said(1, "Hi", { by: CUSTOMER, ref: "m1" }), said(2, "Yes", { turn: 8 })] }));
  expect([before.key, ...after.slice(-2).map((row: Row) => row.key)]).toEqual(["m1", "m1", "turn-8"]);
});

test("what was not sent keeps its place", () => {
  const failed = { id: "m1", at: 0, text: "Hi", token: "", after: 1, state: "failed", why: "No." } as const;
  const all = timeline(mine(state({ greeting: null, events: [said(1, "a"), said(2, "b")] }), failed));
  expect(all.map((row) => row.key).slice(1)).toEqual(["1", "m1", "2"]);
});

test("a stopped draft is parsed as the draft was", () => {
  const partial = { kind: "partial", seq: 1, at: "2026-03-02T09:00:00Z", text: "Order **1043**", turn: 4 } as const;
  const row = timeline(state({ greeting: null, events: [partial] })).at(-1) as Said;
  expect([row.stopped, row.parts]).toEqual([
    true,
    [{ part: "text", spans: [{ text: "Order " }, { text: "1043", marks: ["bold"] }] }],
  ]);
});

test("quick replies are there until anything else is said", () => {
  const asked = said(1, [QUICK]);
  expect(open("1", { events: [asked] })).toBe(true);
  expect(open("1", { events: [asked, said(2, "Hm", { by: CUSTOMER })] })).toBe(false);
  const item = { id: "m1", at: 0, text: "Hm", token: "", after: 1, state: "sending", why: "" } as const;
  expect(open("1", { events: [asked], mine: [item] })).toBe(false);
});

test("those of the greeting go with the first word", () => {
  expect(open("greeting", {})).toBe(true);
  expect(open("greeting", { events: [said(1, "Hi", { by: CUSTOMER })] })).toBe(false);
});

test("buttons are single use, and void after a change of control", () => {
  const asked = said(1, [BUTTONS]);
  const pressed = { kind: "pressed", seq: 3, at: "2026-03-02T09:00:03Z", token: "t-no", label: "No", ref: "" } as const;
  expect(open("1", { events: [asked, said(2, "Hm", { by: CUSTOMER })] }, false)).toBe(true);
  expect(open("1", { events: [asked, pressed] }, false)).toBe(false);
  expect(open("1", { events: [asked, controlled(2, "human")] }, false)).toBe(false);
  expect(open("3", { events: [controlled(2, "bot"), said(3, [BUTTONS])] }, false)).toBe(true);
  expect(open("1", { events: [asked], control: { state: "closed", speaker: BOT } }, false)).toBe(false);
});

test("a change of who speaks and the notice that came with it are one line, in the words of the notice", () => {
  const notice: WidgetPart = { part: "notice", key: "handoff_joined", text: "Mara from Acme is here." };
  const events = [controlled(1, "human"), said(2, [notice], { by: { kind: "system" } }), said(3, "hello")];
  const [, line, ...rest] = timeline(state({ events }));
  expect(line).toMatchObject({ row: "line", text: "Mara from Acme is here." });
  expect(rest.map((row) => row.row)).toEqual(["day", "said"]);
});

test("a message that was written anew or taken back keeps its place", () => {
  const at = "2026-03-02T09:00:00Z";
  const anew = (seq: number, of: number, text?: string): WidgetEvent => ({
    kind: "revised",
    seq,
    at,
    of,
    parts: text ? [{ part: "text", spans: [{ text }] }] : [],
  });
  const events = [said(1, "It cots 5.", { by: MARA }), said(2, "Wrong!", { by: MARA }), anew(3, 1, "It costs 5."), anew(4, 2), anew(5, 1, "It costs 6.")];
  const shown = timeline(state({ events, greeting: null })).flatMap((row) => (row.row === "said" ? [[row.seq, row.revised, spoken(row.parts)]] : []));
  expect(shown).toEqual([
    [1, "edited", "It costs 6."],
    [2, "removed", ""],
  ]);
  expect(unread(state({ events }), 2)).toBe(0);
});
