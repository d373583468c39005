import { describe, expect, test } from "vitest";

import { chosen, type Item, plain, timeline } from "../src/conversation/timeline";
import type { Event } from "../src/wire";
import { ANA, BOT, controlled, event, held, JO, ME, said } from "./samples";

const SYSTEM = { kind: "system" } as const;
const reader = { me: "a_mara", customer: "Ana" };
const shown = (events: Event[]): Item[] => timeline(events, reader).filter((item) => item.item !== "day");

const told = (seq: number, text: string): Event =>
  event(seq, SYSTEM, { kind: "said", message: { parts: [{ part: "notice", key: "k", text }] } });

test("messages of one author within two minutes are one run", () => {
  const items = shown([said(1, ANA, "a", 0), said(2, ANA, "b", 1), said(3, ANA, "c", 4), said(4, BOT, "d", 4)]);
  expect(items.map((item) => item.item === "bubble" && [item.first, item.last])).toEqual([
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ]);
});

test("a day begins with its date", () => {
  const items = timeline([said(1, ANA, "a", 0), said(2, ANA, "b", 1), said(3, ANA, "c", 24 * 60)], reader);
  expect(items.map((item) => item.item)).toEqual(["day", "bubble", "bubble", "day", "bubble"]);
});

test("own words are told from a colleague's", () => {
  const items = shown([said(1, ME, "a"), said(2, JO, "b")]);
  expect(items.map((item) => item.item === "bubble" && item.own)).toEqual([true, false]);
});

test("a pressed option is the customer's bubble with its label, and marks the option", () => {
  const press = event(1, ANA, { kind: "pressed", token: "t1", label: "Track order" });
  expect(shown([press])).toMatchObject([
    { item: "bubble", author: ANA, pressed: true, parts: [{ part: "text", spans: [{ text: "Track order" }] }] },
  ]);
  expect(chosen([press])).toEqual(new Set(["t1"]));
});

test("a stopped draft is the bot's, marked", () => {
  expect(shown([event(1, BOT, { kind: "partial", text: "Order 10" })])).toMatchObject([
    { item: "bubble", author: { kind: "bot" }, stopped: true },
  ]);
});

test("a note is never a bubble", () => {
  expect(shown([event(1, JO, { kind: "noted", text: "check the claim" })])).toMatchObject([
    { item: "note", own: false, text: "check the claim" },
  ]);
});

describe("changes of control", () => {
  test("say who did what", () => {
    const items = shown([
      controlled(1, { state: "queued", epoch: 2, reason: "asked" }, "bot", BOT, "asked"),
      controlled(2, { state: "offered", epoch: 3, holder: "a_jo", holder_name: "Jo" }, "queued", SYSTEM),
      controlled(3, held(JO, 4), "offered", JO),
      controlled(4, held(ME, 5), "human", ME),
    ]);
    expect(items.map((item) => item.item === "line" && [item.tone, item.key, item.values])).toEqual([
      ["wait", "line.asked", { name: "Ana" }],
      ["wait", "line.offered", { name: "Jo" }],
      ["human", "line.human", { name: "Jo" }],
      ["human", "line.human.me", { name: "Mara" }],
    ]);
  });

  test("an unknown reason has words, too", () => {
    const items = shown([controlled(1, { state: "queued", epoch: 2, reason: "new" }, "bot", BOT, "new")]);
    expect(items).toMatchObject([{ key: "line.wanted.other" }]);
  });

  test("what the customer was told stands under the line", () => {
    const items = shown([controlled(1, held(ME, 2), "bot", ME), told(2, "You are now talking with Mara.")]);
    expect(items).toMatchObject([{ item: "line", key: "line.human.me", told: "You are now talking with Mara." }]);
  });

  test("a hand back is one line: the end of the human stretch, with what the bot was told", () => {
    const items = shown([
      controlled(1, { state: "bot", epoch: 3 }, "human", ME, "handed back"),
      told(2, "The assistant is back."),
      event(3, ME, { kind: "returned", how: "resume", by: "Mara", instruction: "refund approved" }),
    ]);
    expect(items).toMatchObject([
      { item: "line", tone: "bot", key: "line.returned.resume", quote: "refund approved", told: "The assistant is back." },
    ]);
  });

  test("a resolution is one line", () => {
    const items = shown([
      controlled(1, { state: "bot", epoch: 3 }, "human", ME, "resolved"),
      told(2, "This conversation is closed."),
      event(3, ME, { kind: "settled", status: "resolved", reason: "answered" }),
    ]);
    expect(items).toMatchObject([{ item: "line", key: "line.resolved.by", values: { name: "Mara" }, quote: "answered" }]);
  });
});

test("a discarded draft is offered, an empty one is not", () => {
  const ready = { parts: [{ part: "text", spans: [{ text: "It is in Lyon." }] }] } as const;
  const items = shown([
    event(1, BOT, { kind: "discarded", messages: [ready, ready] }),
    event(2, BOT, { kind: "discarded", messages: [] }),
  ]);
  expect(items).toMatchObject([{ item: "discarded", text: "It is in Lyon.\n\nIt is in Lyon." }]);
});

test("what the bot decided stands in the inspector, not in the log", () => {
  expect(
    shown([
      event(1, BOT, { kind: "turned", responder: "in_flow" }),
      event(2, BOT, { kind: "acting", key: "k", action: "a", args: {} }),
      event(3, BOT, { kind: "acted", key: "k" }),
    ]),
  ).toEqual([]);
});

test("an event of a kind that came later is left out", () => {
  const later = event(1, BOT, { kind: "sung" } as unknown as Event["body"]);
  expect(shown([later, said(2, ANA, "hello")])).toHaveLength(1);
});

test("files, places and questions for a grade are quoted in words", () => {
  const parts = [
    { part: "media", kind: "image", ref: "f-1", name: "shoe.jpg", caption: "broken" },
    { part: "location", latitude: 48.85, longitude: 2.35, label: "Paris" },
    { part: "rating", prompt: "How was it?" },
  ] as const;
  expect(plain(parts)).toBe("[image] shoe.jpg\nbroken\nParis\n48.85, 2.35\nHow was it?");
});

const heard = (seq: number, ref: string, text: string): Event =>
  event(seq, ANA, { kind: "said", ref, message: { parts: [{ part: "text", spans: [{ text }] }] } });
const edited = (seq: number, ref: string, text: string): Event =>
  event(seq, ANA, { kind: "edited", ref, message: { parts: [{ part: "text", spans: [{ text }] }] } });

describe("what happens on the platforms", () => {
  test("a message that was written anew stands where it was, marked, and anew at the end", () => {
    expect(shown([heard(1, "m1", "shose"), heard(2, "m2", "hello"), edited(3, "m1", "shoes")])).toMatchObject([
      { seq: 1, gone: "edited", came: "" },
      { seq: 2, gone: "", came: "" },
      { seq: 3, gone: "", came: "edited", parts: [{ spans: [{ text: "shoes" }] }] },
    ]);
  });

  test("a message that was taken back is marked, and so is what it was edited to", () => {
    const items = shown([heard(1, "m1", "a"), edited(2, "m1", "b"), event(3, ANA, { kind: "deleted", ref: "m1" })]);
    expect(items).toMatchObject([{ gone: "deleted" }, { gone: "deleted" }, { item: "line", key: "line.deleted" }]);
  });

  test("a form that was filled in is the customer's bubble in the words of the form", () => {
    const form: Event = event(1, BOT, {
      kind: "said",
      message: {
        parts: [
          {
            part: "form",
            token: "f1",
            fields: [
              { name: "name", label: "Your name?" },
              { name: "size", label: "Size", type: "choice", options: [{ label: "Small", value: "s" }] },
            ],
          },
        ],
      },
    });
    const sent = event(2, ANA, { kind: "submitted", token: "f1", values: { name: "Ana", size: "s", other: 3 } });
    expect(shown([form, sent])[1]).toMatchObject({
      author: ANA,
      came: "submitted",
      parts: [{ spans: [{ text: "Your name? Ana\nSize: Small\nother: 3" }] }],
    });
    expect(chosen([form, sent])).toEqual(new Set(["f1"]));
  });

  test("words of a colleague elsewhere are a person's", () => {
    const echoed = event(1, SYSTEM, { kind: "echoed", by: "u7", name: "Lea", message: { parts: [] } });
    expect(shown([echoed])).toMatchObject([{ author: { kind: "agent", id: "u7", name: "Lea" }, came: "echoed" }]);
  });

  test("reactions, blocks and moves are lines", () => {
    const items = shown([
      event(1, ANA, { kind: "reacted", emoji: "👍", ref: "m1" }),
      event(2, ANA, { kind: "reacted", emoji: "👍", added: false, ref: "m1" }),
      event(3, ANA, { kind: "reachable", yes: false }),
      event(4, ANA, { kind: "reachable", yes: true }),
      event(5, SYSTEM, { kind: "migrated", to: { channel: "telegram", account: "a", chat: "-100", thread: "" } }),
      event(6, ANA, { kind: "viewed", ref: "m1" }),
    ]);
    expect(items.map((item) => item.item === "line" && [item.key, item.tone])).toEqual([
      ["line.reacted", "plain"],
      ["line.unreacted", "plain"],
      ["line.unreachable", "wait"],
      ["line.reachable", "plain"],
      ["line.migrated", "plain"],
    ]);
  });
});

describe("a message that its author changed", () => {
  const anew = (seq: number, of: number, ...texts: string[]): Event =>
    event(seq, ME, { kind: "said", revises: of, message: { parts: texts.map((text) => ({ part: "text", spans: [{ text }] })) } });

  test("stands in its place with its new words, once", () => {
    const items = shown([said(1, ME, "It cots 5."), said(2, ANA, "ok"), anew(3, 1, "It costs 5."), anew(4, 1, "It costs 6.")]);
    expect(items).toMatchObject([
      { seq: 1, came: "edited", revisable: true, parts: [{ spans: [{ text: "It costs 6." }] }] },
      { seq: 2, came: "", revisable: false },
    ]);
    expect(items).toHaveLength(2);
  });

  test("is kept and marked when it was taken back", () => {
    expect(shown([said(1, ME, "Wrong customer"), anew(2, 1)])).toMatchObject([
      { seq: 1, gone: "deleted", revisable: false, parts: [{ spans: [{ text: "Wrong customer" }] }] },
    ]);
  });

  test("is nobody else's to change, nor what was written on the platform", () => {
    const outside = event(2, ME, { kind: "said", ref: "m1", message: { parts: [{ part: "text", spans: [{ text: "b" }] }] } });
    expect(shown([said(1, JO, "a"), outside]).map((item) => item.item === "bubble" && item.revisable)).toEqual([false, false]);
  });
});
