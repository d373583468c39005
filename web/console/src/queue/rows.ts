/** The queue's lists as the cache holds them: pages of rows, patched by row frames. Pure. */

import type { Row, Rows } from "../wire";

export interface Pages {
  pages: Rows[];
  pageParams: unknown[];
}

/** Of those who wait for a person the most urgent comes first, then who has waited longest; then whoever was heard of last. The server's own order. */
export function before(one: Row, other: Row): boolean {
  if (one.waiting_since !== null && other.waiting_since !== null) {
    if (one.priority !== other.priority) return one.priority > other.priority;
    const difference = Date.parse(one.waiting_since) - Date.parse(other.waiting_since);
    return difference === 0 ? one.id < other.id : difference < 0;
  } else if (one.waiting_since !== other.waiting_since) {
    return one.waiting_since !== null;
  }
  const difference = Date.parse(one.last_at) - Date.parse(other.last_at);
  return difference === 0 ? one.id > other.id : difference > 0;
}

/** Puts a new or changed row where it belongs; beyond the last page that is held it is left out. */
export function placed(held: Pages, row: Row): Pages {
  const pages = removed(held, row.id).pages.map((page) => ({ ...page, items: [...page.items] }));
  for (const page of pages) {
    const index = page.items.findIndex((other) => before(row, other));
    if (index >= 0) {
      page.items.splice(index, 0, row);
      return { ...held, pages };
    }
  }
  const last = pages.at(-1);
  if (last?.next === null) last.items.push(row);
  return { ...held, pages };
}

export function removed(held: Pages, id: string): Pages {
  return { ...held, pages: held.pages.map((page) => ({ ...page, items: page.items.filter((row) => row.id !== id) })) };
}

/** Changes a row where it stands. */
export function changed(held: Pages, row: Row): Pages {
  return {
    ...held,
    pages: held.pages.map((page) => ({ ...page, items: page.items.map((other) => (other.id === row.id ? row : other)) })),
  };
}

export function flat(held: Pages | undefined): Row[] {
  const seen = new Set<string>();
  return (held?.pages ?? []).flatMap((page) => page.items).filter((row) => !seen.has(row.id) && seen.add(row.id));
}
