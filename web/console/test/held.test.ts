import { describe, expect, test } from "vitest";

import { heard, joined, refreshed } from "../src/conversation/held";
import { grow } from "../src/live/draft";
import type { Event } from "../src/wire";
import { ANA, controlled, detail, event, held, JO, ME, row, said } from "./samples";

const run = (from: number, to: number): Event[] =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index, ANA, "x"));
const seqs = (events: readonly Event[]): number[] => events.map(({ seq }) => seq);

describe("a log in pieces", () => {
  test("pieces that meet or overlap are joined", () => {
    expect(seqs(joined({ events: run(3, 5), more: true }, { events: run(5, 7), more: true }).events)).toEqual([3, 4, 5, 6, 7]);
    expect(joined({ events: run(3, 5), more: true }, { events: run(1, 2), more: false })).toMatchObject({ more: false });
  });

  test("across a gap the later piece stands alone", () => {
    const result = joined({ events: run(1, 2), more: false }, { events: run(5, 6), more: true });
    expect(seqs(result.events)).toEqual([5, 6]);
    expect(result.more).toBe(true);
  });

  test("an answer that is older than what was heard meanwhile takes nothing away", () => {
    const now = detail(row("c", { control: held(ME, 4), last_seq: 5 }), run(1, 5));
    const late = detail(row("c", { control: { state: "bot", epoch: 3 }, last_seq: 3 }), run(1, 3));
    const result = refreshed(now, late);
    expect(seqs(result.events)).toEqual([1, 2, 3, 4, 5]);
    expect(result.row).toBe(now.row);
  });
});

describe("live events", () => {
  test("one out of turn is not taken", () => {
    expect(seqs(heard(detail(row("c"), run(1, 2)), [said(4, ANA, "x")]).events)).toEqual([1, 2]);
  });

  test("control and status follow at once", () => {
    const before = detail(row("c"), run(1, 1));
    const after = heard(before, [
      controlled(2, held(JO, 2), "bot", JO),
      event(3, JO, { kind: "settled", status: "resolved" }),
    ]);
    expect(after.row).toMatchObject({ control: { holder: "a_jo" }, status: "resolved" });
  });
});

describe("the bot's draft", () => {
  const piece = (turn: number, attempt: number, start: number, text: string) => ({ turn, attempt, start, text });

  test("grows, and its end may be written over", () => {
    const draft = grow(grow(null, piece(1, 1, 0, "Hello wor")), piece(1, 1, 6, "there"));
    expect(draft).toEqual({ turn: 1, attempt: 1, text: "Hello there" });
  });

  test("counts code points", () => {
    expect(grow(grow(null, piece(1, 1, 0, "👍🏽 ok")), piece(1, 1, 3, "fine"))?.text).toBe("👍🏽 fine");
  });

  test("a new attempt begins anew, an old one is not heard", () => {
    const second = grow(grow(null, piece(1, 1, 0, "old")), piece(1, 2, 0, "new"));
    expect(grow(second, piece(1, 1, 3, " words"))).toEqual({ turn: 1, attempt: 2, text: "new" });
  });

  test("a piece that does not join on is dropped", () => {
    const draft = grow(null, piece(1, 1, 0, "Hello"));
    expect(grow(draft, piece(1, 1, 9, "torn"))).toBe(draft);
  });
});
