/** Keeps the queue still under the pointer: what moved, came or went is counted and shown later. Pure. */

import type { Row } from "../wire";

export interface Shown {
  rows: readonly Row[];
  /** Rows that left the list and are shown until the order may change. */
  gone: ReadonlySet<string>;
  updates: number;
}

/** The rows of `fresh` in the order of `shown`, each with its latest content. */
export function hold(shown: readonly Row[], fresh: readonly Row[]): Shown {
  const latest = new Map(fresh.map((row) => [row.id, row]));
  const known = new Set(shown.map((row) => row.id));
  const gone = new Set(shown.filter((row) => !latest.has(row.id)).map((row) => row.id));
  // What comes after everything shown moves nothing: the next page is added as it arrives.
  const end = fresh.findLastIndex((row) => known.has(row.id)) + 1;
  const came = fresh.slice(0, end).filter((row) => !known.has(row.id)).length;
  return {
    rows: [...shown.map((row) => latest.get(row.id) ?? row), ...fresh.slice(end)],
    gone,
    updates: came + gone.size + moves(shown, fresh),
  };
}

/** The fewest rows that must be picked up to bring one order into the other. */
function moves(shown: readonly Row[], fresh: readonly Row[]): number {
  const place = new Map(fresh.map((row, index) => [row.id, index]));
  const order = shown.map((row) => place.get(row.id)).filter((index) => index !== undefined);
  // Patience: `tails[n]` is the smallest end of an ascending run of n + 1 rows.
  const tails: number[] = [];
  for (const index of order) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] as number) < index) low = middle + 1;
      else high = middle;
    }
    tails[low] = index;
  }
  return order.length - tails.length;
}
