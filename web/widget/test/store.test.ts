import { describe, expect, test } from "vitest";
import type { WidgetServerFrame } from "../../shared/schema";
import { EMPTY, type Mine, type State, mine, receive, unread } from "../src/store";
import { BOT, CUSTOMER, MARA, controlled, draft, event, said, welcome } from "./frames";

const NOW = 1_000_000;

function after(...frames: WidgetServerFrame[]): State {
  return frames.reduce((state, frame) => receive(state, frame, NOW).state, EMPTY);
}

function own(id: string, state: Mine["state"] = "sending"): Mine {
  return { id, at: NOW, text: "Hello", token: "", after: 0, state, why: "" };
}

describe("history", () => {
  test("a jump of seqs is no gap while prev is the last held", () => {
    const step = receive(after(welcome([said(3, "one")])), event(3, said(7, "two")), NOW);
    expect([step.again, step.state.seq, step.state.events.length]).toEqual([false, 7, 2]);
  });

  test("a gap asks again and holds the event back", () => {
    const held = after(welcome([said(3, "one")]));
    expect(receive(held, event(5, said(7, "late")), NOW)).toEqual({ state: held, again: true, news: [] });
  });

  test("an event held already counts once", () => {
    const held = after(welcome([said(3, "one")]), event(3, said(4, "two")));
    expect(receive(held, event(3, said(4, "two")), NOW)).toEqual({ state: held, again: false, news: [] });
  });

  test("a welcome after a cut adds what was missed, as news", () => {
    const held = after(welcome([said(1, "one")]));
    const step = receive(held, welcome([said(2, "two"), said(3, "three")]), NOW);
    expect(step.state.events.map((each) => each.seq)).toEqual([1, 2, 3]);
    expect(step.news.map((each) => each.seq)).toEqual([2, 3]);
  });

  test("a first welcome is history, not news", () => {
    expect(receive(EMPTY, welcome([said(1, "one")]), NOW).news).toEqual([]);
  });

  test("a welcome to another conversation forgets the first one", () => {
    const state = after(welcome([said(9, "old")]), welcome([said(2, "new")], { conversation: "c2" }));
    expect([state.conversation, state.seq, state.events.map((each) => each.seq)]).toEqual(["c2", 2, [2]]);
  });

  test("a server that was set back is believed", () => {
    const step = receive(after(welcome([said(9, "lost")])), welcome([], { seq: 4 }), NOW);
    expect([step.again, step.state.seq, step.state.events]).toEqual([true, 0, []]);
  });

  test("older events come in front", () => {
    const state = after(welcome([said(5, "now")], { more: true }), { frame: "older", events: [said(2, "then")], more: false });
    expect([state.events.map((each) => each.seq), state.more, state.seq]).toEqual([[2, 5], false, 5]);
  });

  test("a frame of a newer server changes nothing", () => {
    const held = after(welcome([said(1, "one")]));
    expect(receive(held, { frame: "confetti" } as unknown as WidgetServerFrame, NOW).state).toBe(held);
  });

  test("what counts as unread was said by others", () => {
    const state = after(
      welcome([said(1, "a"), said(2, "b", { by: CUSTOMER }), controlled(3, "human"), said(4, "c", { by: MARA })]),
    );
    expect([unread(state, 0), unread(state, 1), unread(state, 4)]).toEqual([2, 1, 0]);
  });
});

describe("the customer's own words", () => {
  test("an ack marks them sent; their event takes their place", () => {
    const sent = receive(mine(after(welcome()), own("m1")), { frame: "ack", id: "m1", seq: 1 }, NOW).state;
    expect(sent.mine.map((item) => item.state)).toEqual(["sent"]);
    const there = receive(sent, event(0, said(1, "Hello", { by: CUSTOMER, ref: "m1" })), NOW).state;
    expect([there.mine, there.events.length]).toEqual([[], 1]);
  });

  test("an event may come before its ack", () => {
    const there = receive(mine(after(welcome()), own("m1")), event(0, said(1, "Hello", { by: CUSTOMER, ref: "m1" })), NOW);
    const state = receive(there.state, { frame: "ack", id: "m1", seq: 1 }, NOW).state;
    expect([state.mine, state.events.length]).toEqual([[], 1]);
  });

  test("what is unsent goes along to a new conversation", () => {
    const state = receive(mine(mine(after(welcome()), own("m1")), own("m2", "sent")), welcome([], { conversation: "c2" }), NOW);
    expect(state.state.mine.map((item) => item.id)).toEqual(["m1"]);
  });
});

describe("drafts", () => {
  test("pieces join at their offset, counted in code points", () => {
    const state = after(welcome(), draft(4, 0, 0, "Yes 👍 it"), draft(4, 1, 8, " came"), draft(4, 2, 4, "👌 it came"));
    expect(state.draft?.text).toBe("Yes 👌 it came");
  });

  test("begin with the very first turn", () => {
    expect(after(welcome(), draft(0, 0, 0, "Hello")).draft?.text).toBe("Hello");
  });

  test("the event of its turn takes its place", () => {
    const state = after(welcome(), draft(4, 0, 0, "Order"), event(0, said(1, "Order 1043", { turn: 4 })));
    expect([state.draft, state.events.length]).toEqual([null, 1]);
  });

  test("a piece that comes after its event is void", () => {
    const state = after(welcome(), event(0, said(1, "Done", { turn: 4 })), draft(4, 3, 0, "Do"));
    expect(state.draft).toBe(null);
  });

  test("a new attempt starts over, and pieces of the old one are void", () => {
    const state = after(welcome(), draft(4, 5, 0, "First"), draft(4, 0, 0, "Second", 2), draft(4, 6, 5, " words", 1));
    expect(state.draft).toEqual({ turn: 4, attempt: 2, n: 0, text: "Second" });
  });

  test("a missing piece asks again", () => {
    expect(receive(after(welcome(), draft(4, 0, 0, "One")), draft(4, 2, 9, "three"), NOW).again).toBe(true);
  });

  test("a welcome has the text so far", () => {
    const so = { turn: 4, attempt: 1, n: 7, text: "Order 10" };
    const state = after(welcome([], { draft: so }), draft(4, 8, 8, "43"));
    expect(state.draft?.text).toBe("Order 1043");
  });

  test("a welcome's draft is void where its words have been said", () => {
    const late = { turn: 4, attempt: 1, n: 7, text: "Order 10" };
    expect(after(welcome([said(1, "Order 1043", { turn: 4 })], { draft: late })).draft).toBe(null);
  });

  test.each(["attempt", "cancel", "control"] as const)("a reset (%s) removes it", (why) => {
    expect(after(welcome(), draft(4, 0, 0, "Order"), { frame: "reset", turn: 4, why }).draft).toBe(null);
  });

  test("what was seen of a stopped one stays", () => {
    const partial = { kind: "partial", seq: 1, at: "2026-03-02T09:00:00Z", text: "Ord", turn: 4 } as const;
    const state = after(welcome(), draft(4, 0, 0, "Order"), event(0, partial));
    expect([state.draft, state.events]).toEqual([null, [partial]]);
  });
});

describe("signs of life", () => {
  test("an agent's typing ends with the message, or when it is said so", () => {
    const typing: WidgetServerFrame = { frame: "typing", who: MARA, seconds: 6 };
    expect(after(welcome(), typing).typing).toEqual({ who: MARA, until: NOW + 6_000 });
    expect(after(welcome(), typing, event(0, said(1, "Hi", { by: MARA }))).typing).toBe(null);
    expect(after(welcome(), typing, { ...typing, seconds: 0 }).typing).toBe(null);
  });

  test("a change of control ends the wait for the bot", () => {
    const state = after(welcome(), { frame: "typing", who: BOT, seconds: 9 }, event(0, controlled(1, "human")));
    expect([state.replying, state.control?.state]).toEqual([0, "human"]);
  });
});
