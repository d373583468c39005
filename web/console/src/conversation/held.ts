/** One conversation as the cache holds it: its detail, with events that have no gaps. Pure. */

import { type Detail, epochOf, type Event, type Row } from "../wire";

interface Log {
  events: readonly Event[];
  /** Older events than these exist. */
  more: boolean;
}

export const lastSeq = (log: Pick<Log, "events">): number => log.events.at(-1)?.seq ?? 0;
export const firstSeq = (log: Pick<Log, "events">): number => log.events[0]?.seq ?? 0;

/** Joins what was fetched to what is held. Across a gap nothing is joined: the later part stands alone. */
export function joined(held: Log, fetched: Log): Log {
  if (held.events.length === 0) return fetched;
  if (fetched.events.length === 0) return held;
  const [early, late] = firstSeq(held) <= firstSeq(fetched) ? [held, fetched] : [fetched, held];
  if (firstSeq(late) > lastSeq(early) + 1) return late;
  return {
    events: [...early.events, ...late.events.filter((event) => event.seq > lastSeq(early))],
    more: early.more,
  };
}

/** The newer of two states of a row: both may be under way at once. */
export function newer(held: Row, fetched: Row): Row {
  const [mine, theirs] = [epochOf(held.control), epochOf(fetched.control)];
  if (mine !== theirs) return mine > theirs ? held : fetched;
  return held.last_seq > fetched.last_seq ? held : fetched;
}

export function refreshed(held: Detail | undefined, fetched: Detail): Detail {
  return held ? { ...fetched, ...joined(held, fetched), row: newer(held.row, fetched.row) } : fetched;
}

/** Adds live or missed events; what would leave a gap is left to the live line to ask for again. */
export function heard(held: Detail, events: readonly Event[]): Detail {
  return events.reduce((detail, event) => {
    if (event.seq !== lastSeq(detail) + 1) return detail;
    return { ...detail, events: [...detail.events, event], row: after(detail.row, event) };
  }, held);
}

/** What an event says of control and status, at once; the row itself follows. */
function after(row: Row, event: Event): Row {
  const { body } = event;
  if (body.kind === "controlled" && epochOf(body.control) > epochOf(row.control)) {
    return { ...row, control: body.control, last_seq: event.seq };
  }
  if (body.kind === "settled") return { ...row, status: body.status, last_seq: event.seq };
  return row;
}
