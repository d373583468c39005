import { describe, expect, test } from "vitest";

import { hold } from "../src/queue/order";
import { flat, type Pages, placed, removed } from "../src/queue/rows";
import type { Row } from "../src/wire";
import { at, row } from "./samples";

const rows = (...ids: string[]): Row[] => ids.map((id) => row(id));
const ids = (list: readonly Row[]): string => list.map((one) => one.id).join(" ");

describe("under the pointer", () => {
  test("nothing moves, and what is new in a row shows", () => {
    const shown = rows("a", "b", "c");
    const fresh = [row("c", { last_text: "new" }), ...rows("a", "b")];
    const result = hold(shown, fresh);
    expect(ids(result.rows)).toBe("a b c");
    expect(result.rows[2]?.last_text).toBe("new");
    expect(result.updates).toBe(1);
  });

  test("what came is counted, what left stays", () => {
    const result = hold(rows("a", "b", "c"), rows("x", "a", "c"));
    expect(ids(result.rows)).toBe("a b c");
    expect(result.gone).toEqual(new Set(["b"]));
    expect(result.updates).toBe(2);
  });

  test("the next page comes after, and is no update", () => {
    const result = hold(rows("a", "b"), rows("a", "b", "c", "d"));
    expect(ids(result.rows)).toBe("a b c d");
    expect(result.updates).toBe(0);
  });

  test.each([
    ["a b c d", "a b c d", 0],
    ["a b c d", "d a b c", 1],
    ["a b c d", "b a d c", 2],
    ["a b c d", "d c b a", 3],
  ])("%s → %s takes %i moves", (from, to, moves) => {
    expect(hold(rows(...from.split(" ")), rows(...to.split(" "))).updates).toBe(moves);
  });
});

describe("rows that change", () => {
  const pages = (next: string | null, ...lists: Row[][]): Pages => ({
    pages: lists.map((items, index) => ({ items, next: index < lists.length - 1 ? "more" : next })),
    pageParams: lists.map(() => null),
  });
  const waiting = (id: string, minutes: number): Row => row(id, { waiting_since: at(minutes), last_at: at(minutes) });
  const calm = (id: string, minutes: number): Row => row(id, { last_at: at(minutes) });

  test("who waits longest comes first, then who was heard of last", () => {
    let held = pages(null, []);
    for (const one of [calm("d", 5), waiting("b", 3), calm("c", 9), waiting("a", 1)]) held = placed(held, one);
    expect(ids(flat(held))).toBe("a b c d");
  });

  test("what is urgent comes before what waits longer", () => {
    let held = pages(null, []);
    const urgent = { ...waiting("a", 7), priority: 9 };
    for (const one of [waiting("b", 3), urgent, calm("c", 9)]) held = placed(held, one);
    expect(ids(flat(held))).toBe("a b c");
  });

  test("a row moves between pages and is there once", () => {
    const held = pages(null, [waiting("a", 1), waiting("b", 2)], [calm("c", 9), calm("d", 8)]);
    expect(ids(flat(placed(held, calm("a", 7))))).toBe("b c d a");
    expect(ids(flat(placed(held, waiting("d", 0))))).toBe("d a b c");
  });

  test("what belongs beyond the last page held is left to it", () => {
    const held = pages("cursor", [calm("a", 9), calm("b", 8)]);
    expect(ids(flat(placed(held, calm("z", 1))))).toBe("a b");
    expect(ids(flat(placed(held, calm("z", 8.5))))).toBe("a z b");
  });

  test("a row that left is gone from every page", () => {
    expect(ids(flat(removed(pages(null, rows("a"), rows("b", "c")), "b")))).toBe("a c");
  });

  test("a row that two pages hold is shown once", () => {
    expect(ids(flat(pages(null, rows("a", "b"), rows("b", "c"))))).toBe("a b c");
  });
});
