// Plausible events and rows, as short as a test wants them.
import type { Author, Control, Detail, Event, Row } from "../src/wire";

export const ME: Author = { kind: "agent", id: "a_mara", name: "Mara" };
export const JO: Author = { kind: "agent", id: "a_jo", name: "Jo" };
export const ANA: Author = { kind: "customer", id: "x1", name: "Ana" };
export const BOT: Author = { kind: "bot" };

const START = Date.parse("2026-03-02T09:00:00Z");

/** `minutes` after nine o'clock. */
export const at = (minutes: number): string => new Date(START + minutes * 60_000).toISOString();

export function event(seq: number, author: Author, body: Event["body"], minutes = seq, more: Partial<Event> = {}): Event {
  return { seq, at: at(minutes), author, body, ...more };
}

export const said = (seq: number, author: Author, text: string, minutes = seq): Event =>
  event(seq, author, { kind: "said", message: { parts: [{ part: "text", spans: [{ text }] }] } }, minutes);

export const controlled = (seq: number, control: Control, was: NonNullable<Control["state"]>, by: Author, why = ""): Event =>
  event(seq, by, { kind: "controlled", control, was, by, why });

export function row(id: string, more: Partial<Row> = {}): Row {
  return {
    id,
    channel: "web",
    customer: "Ana",
    language: "en",
    control: { state: "bot", epoch: 1 },
    status: "open",
    reason: "",
    note: "",
    priority: 0,
    last_by: "customer",
    last_text: "Hello",
    last_at: at(0),
    waiting_since: null,
    unread: 0,
    last_seq: 1,
    ...more,
  };
}

export const held = (by: Author, epoch: number): Control => ({
  state: "human",
  epoch,
  holder: by.id ?? "",
  holder_name: by.name ?? "",
  since: at(1),
});

export function detail(of: Row, events: readonly Event[], more: Partial<Detail> = {}): Detail {
  return {
    row: of,
    customer: { name: of.customer, channel: of.channel, language: of.language, first_seen: at(0), conversations: 1, facts: {} },
    stack: [],
    slots: [],
    events,
    more: false,
    draft: null,
    can: [],
    ...more,
  };
}
