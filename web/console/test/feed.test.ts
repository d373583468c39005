import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { keys } from "../src/cache";
import type { Draft } from "../src/live/draft";
import { feed } from "../src/live/feed";
import type { Listener } from "../src/live/link";
import { flat, type Pages } from "../src/queue/rows";
import type { Detail, ServerFrame, View } from "../src/wire";
import { ANA, at, BOT, controlled, detail, event, held, ME, row, said } from "./samples";

let client: QueryClient;
let listener: Listener;
let paint: () => void;
let painted: number;

beforeEach(() => {
  client = new QueryClient();
  listener = feed(client, "a_mara", { ready: () => {}, lost: () => {} });
  paint = () => {};
  painted = 0;
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => {
    painted += 1;
    paint = run;
    return 1;
  });
});

describe("lists", () => {
  const list = (view: View, search: string, ...ids: string[]) =>
    client.setQueryData<Pages>(keys.rows(view, search), {
      pages: [{ items: ids.map((id) => row(id)), next: null }],
      pageParams: [null],
    });
  const shown = (view: View, search = "") => flat(client.getQueryData<Pages>(keys.rows(view, search))).map(({ id }) => id);

  test("a row comes into the views it belongs to and leaves the others", () => {
    list("bot", "", "a", "b");
    list("mine", "", "c");
    listener.frame({ frame: "row", row: row("b", { last_at: at(5) }), views: ["mine", "all"] });
    expect(shown("bot")).toEqual(["a"]);
    expect(shown("mine")).toEqual(["b", "c"]);
  });

  test("what a search finds is the server's to say", () => {
    list("all", "ana", "a");
    listener.frame({ frame: "row", row: row("b"), views: ["all"] });
    listener.frame({ frame: "row", row: row("a", { last_text: "new" }), views: ["all"] });
    expect(shown("all", "ana")).toEqual(["a"]);
    expect(flat(client.getQueryData<Pages>(keys.rows("all", "ana")))[0]?.last_text).toBe("new");
  });

  test("whenever the line stands again, lists are fetched anew", () => {
    const anew = vi.spyOn(client, "invalidateQueries");
    listener.ready();
    expect(anew).toHaveBeenCalledWith({ queryKey: ["rows"] });
  });
});

describe("the bot's draft", () => {
  const piece = (start: number, text: string, turn = 2): ServerFrame => ({
    frame: "draft",
    conversation: "c1",
    turn,
    attempt: 1,
    n: start,
    start,
    text,
  });
  const draft = () => client.getQueryData<Draft | null>(keys.draft("c1"));

  beforeEach(() => {
    client.setQueryData(keys.conversation("c1"), detail(row("c1"), [said(1, ANA, "Hi"), said(2, ANA, "there")]));
  });

  test("is painted once a frame, however many pieces come", () => {
    for (const [index, letter] of [..."Hello"].entries()) listener.frame(piece(index, letter));
    expect(draft()).toBeUndefined();
    expect(painted).toBe(1);
    paint();
    expect(draft()?.text).toBe("Hello");
  });

  test.each<[string, ServerFrame]>([
    ["what was said", { frame: "event", conversation: "c1", event: { ...said(3, BOT, "Hello"), turn: 2 } }],
    ["what was stopped", { frame: "event", conversation: "c1", event: event(3, BOT, { kind: "partial", text: "He" }, 3, { turn: 2 }) }],
    ["a takeover", { frame: "event", conversation: "c1", event: controlled(3, held(ME, 2), "bot", ME) }],
    ["a reset", { frame: "reset", conversation: "c1", turn: 2, why: "cancel" }],
  ])("ends with %s", (_, end) => {
    listener.frame(piece(0, "Hello"));
    paint();
    listener.frame(end);
    paint();
    expect(draft()).toBeNull();
  });

  test("of a later turn outlives the end of an earlier one", () => {
    listener.frame(piece(0, "Next", 5));
    paint();
    listener.frame({ frame: "reset", conversation: "c1", turn: 2, why: "attempt" });
    expect(draft()?.text).toBe("Next");
  });
});

test("my own typing is not shown to me, and what was said ends typing", () => {
  listener.frame({ frame: "typing", conversation: "c1", who: ME, seconds: 5 });
  expect(client.getQueryData(keys.typing("c1"))).toBeUndefined();
  listener.frame({ frame: "typing", conversation: "c1", who: ANA, seconds: 5 });
  expect(client.getQueryData(keys.typing("c1"))).toMatchObject({ who: ANA });
  listener.frame({ frame: "event", conversation: "c1", event: said(3, ANA, "done") });
  expect(client.getQueryData(keys.typing("c1"))).toBeNull();
});

test("a live event stands in the open conversation", () => {
  client.setQueryData(keys.conversation("c1"), detail(row("c1"), [said(1, ANA, "Hi")]));
  listener.frame({ frame: "event", conversation: "c1", event: said(2, ANA, "there") });
  expect(client.getQueryData<Detail>(keys.conversation("c1"))?.events.map(({ seq }) => seq)).toEqual([1, 2]);
});
