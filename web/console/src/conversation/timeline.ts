/** Turns a conversation's events into what stands on the screen, from top to bottom. Pure. */

import type { Key } from "../texts";
import { type Author, type Event, holderOf, type Part, stateOf } from "../wire";

const RUN = 2 * 60_000;
/** Events written in one transaction stand this close together. */
const NEAR = 2;

/** Colour says who acted: the assistant, a person, somebody is waited for. */
export type Tone = "bot" | "human" | "wait" | "plain";

export interface Bubble {
  item: "bubble";
  seq: number;
  at: string;
  author: Author;
  own: boolean;
  parts: readonly Part[];
  /** A quick reply or button that the customer pressed. */
  pressed: boolean;
  /** A draft that was stopped: what the customer had seen of it. */
  stopped: boolean;
  /** What became of it on the platform: it was written anew further down, or taken back. */
  gone: "" | "edited" | "deleted";
  /** Its author may change it, or take it back. */
  revisable: boolean;
  /** How it came: written anew, filled in, said elsewhere on our account. */
  came: "" | "edited" | "submitted" | "echoed";
  turn: number | null;
  /** Of a run by one author. */
  first: boolean;
  last: boolean;
}

export type Item =
  | { item: "day"; seq: number; at: string }
  | Bubble
  | { item: "note"; seq: number; at: string; author: Author; own: boolean; text: string }
  | Line
  /** The system's words to the customer, where no line of ours stands beside them. */
  | { item: "told"; seq: number; at: string; text: string }
  | { item: "discarded"; seq: number; at: string; text: string };

export interface Line {
  item: "line";
  seq: number;
  at: string;
  tone: Tone;
  key: Key;
  values: Record<string, string>;
  /** Words that go with it: an instruction, a reason. */
  quote: string;
  /** What the customer was told of it. */
  told: string;
}

export interface Reader {
  /** The agent who reads. */
  me: string;
  /** How the customer is called. */
  customer: string;
}

export function timeline(events: readonly Event[], reader: Reader): Item[] {
  const items: Item[] = [];
  const known: Known = { gone: goneOf(events), forms: formsOf(events), anew: anewOf(events) };
  for (const [index, event] of events.entries()) {
    const around = events.slice(Math.max(0, index - NEAR), index + NEAR + 1).map(({ body }) => body.kind);
    const item = itemOf(event, reader, around, known);
    if (!item) continue;
    const previous = items.at(-1);
    if (previous && joinTold(previous, item, items)) continue;
    if (!previous || !sameDay(previous.at, item.at)) items.push({ item: "day", seq: item.seq, at: item.at });
    items.push(item);
  }
  return inRuns(items);
}

/** Tokens of options that were chosen, and of forms that were filled in. */
export function chosen(events: readonly Event[]): ReadonlySet<string> {
  return new Set(events.flatMap(({ body }) => (body.kind === "pressed" || body.kind === "submitted" ? [body.token] : [])));
}

type Form = Extract<Part, { part: "form" }>;

interface Known {
  /** By the platform's id of the message. */
  gone: ReadonlyMap<string, "edited" | "deleted">;
  /** By token. */
  forms: ReadonlyMap<string, Form>;
  /** What stands in the place of messages of ours, by their seq; nothing: they were taken back. */
  anew: ReadonlyMap<number, readonly Part[]>;
}

function anewOf(events: readonly Event[]): Known["anew"] {
  return new Map(events.flatMap(({ body }) => (body.kind === "said" && body.revises ? [[body.revises, body.message.parts] as const] : [])));
}

function goneOf(events: readonly Event[]): Known["gone"] {
  const gone = new Map<string, "edited" | "deleted">();
  for (const { body } of events) if (body.kind === "edited" || body.kind === "deleted") gone.set(body.ref, body.kind);
  return gone;
}

function formsOf(events: readonly Event[]): Known["forms"] {
  const forms = new Map<string, Form>();
  for (const { body } of events) {
    if (body.kind !== "said") continue;
    for (const part of body.message.parts) if (part.part === "form" && part.token) forms.set(part.token, part);
  }
  return forms;
}

/** In the words of the form, where it is still on the screen. */
function filled(form: Form | undefined, values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const field = form?.fields.find((each) => each.name === name);
      const answer = field?.options?.find((option) => option.value === value)?.label ?? String(value);
      const label = field?.label ?? name;
      return `${label}${/[?:？：؟]$/.test(label) ? "" : ":"} ${answer}`;
    })
    .join("\n");
}

/** Plain words of parts, as a quotation or a preview shows them. */
export function plain(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      switch (part.part) {
        case "text":
          return part.spans.map((span) => span.text).join("");
        case "choices":
          return part.prompt ?? "";
        case "card":
          return [part.title, part.body ?? ""].filter(Boolean).join("\n");
        case "notice":
          return part.text;
        case "sources":
          return "";
        case "media":
          return [`[${part.kind}] ${part.alt || part.name || ""}`.trim(), part.caption, part.transcript].filter(Boolean).join("\n");
        case "location":
          return [part.label, `${part.latitude}, ${part.longitude}`].filter(Boolean).join("\n");
        case "rating":
          return [part.prompt, ...(part.options ?? []).map((option) => option.label)].filter(Boolean).join("\n");
        case "carousel":
          return plain(part.cards);
        case "table":
          return [part.columns, ...part.rows].map((row) => row.join(" | ")).join("\n");
        case "form":
          return [part.title ?? "", ...part.fields.map((field) => field.label)].filter(Boolean).join("\n");
        case "vcard":
          return [part.name, part.phone, part.email].filter(Boolean).join(" · ");
        case "raw":
          return part.plain;
        default:
          part satisfies never;
          return "";
      }
    })
    .filter(Boolean)
    .join("\n");
}

function itemOf(event: Event, reader: Reader, around: readonly string[], known: Known): Item | null {
  const { body, seq, at, author } = event;
  const bubble = (parts: readonly Part[], more: Partial<Bubble> = {}): Bubble => ({
    item: "bubble",
    seq,
    at,
    author,
    own: author.kind === "agent" && author.id === reader.me,
    parts,
    pressed: false,
    stopped: false,
    gone: "",
    revisable: false,
    came: "",
    turn: event.turn ?? null,
    first: true,
    last: true,
    ...more,
  });
  const line: MakeLine = (tone, key, values = {}, quote = "") => ({
    item: "line",
    seq,
    at,
    tone,
    key,
    values,
    quote,
    told: "",
  });

  switch (body.kind) {
    case "said":
      if (author.kind === "system") return { item: "told", seq, at, text: plain(body.message.parts) };
      if (body.revises) return null;
      return ours(bubble(body.message.parts, { gone: (body.ref && known.gone.get(body.ref)) || "" }), body.ref ?? "", known.anew.get(seq));
    case "edited":
      return bubble(body.message.parts, { came: "edited", gone: known.gone.get(body.ref) === "deleted" ? "deleted" : "" });
    case "submitted":
      return bubble([words(filled(known.forms.get(body.token), body.values))], { came: "submitted" });
    case "echoed":
      return bubble(body.message.parts, { came: "echoed", author: { kind: "agent", id: body.by ?? "", name: body.name ?? "" } });
    case "deleted":
      return line("plain", "line.deleted", { name: reader.customer });
    case "reacted":
      return line("plain", body.added === false ? "line.unreacted" : "line.reacted", { name: reader.customer, emoji: body.emoji });
    case "closed":
      return line("plain", "line.thread_closed", { name: reader.customer });
    case "halted":
      return line("plain", "line.halted", { name: reader.customer });
    case "reachable":
      return line(body.yes ? "plain" : "wait", body.yes ? "line.reachable" : "line.unreachable", { name: reader.customer });
    case "migrated":
      return line("plain", "line.migrated");
    case "pressed":
      return bubble([words(body.label ?? body.token)], { pressed: true });
    case "partial":
      return bubble([words(body.text)], { stopped: true, author: { kind: "bot" } });
    case "noted":
      return { item: "note", seq, at, author, own: author.id === reader.me, text: body.text };
    case "discarded": {
      const text = body.messages.map((message) => plain(message.parts)).filter(Boolean).join("\n\n");
      return text ? { item: "discarded", seq, at, text } : null;
    }
    case "opened":
      return line("plain", "line.opened", { name: reader.customer });
    case "returned":
      return line("bot", `line.returned.${body.how}`, { name: body.by }, body.instruction ?? "");
    case "settled":
      return settled(body.status, body.reason ?? "", author, line);
    case "controlled": {
      // What the neighbour says better is said once: the end of the human stretch, and its resolution.
      const state = stateOf(body.control);
      if (state === "bot" && (around.includes("returned") || around.includes("settled"))) return null;
      if (state === "wrap_up" && around.includes("settled")) return null;
      return controlled(body, reader, line);
    }
    case "turned":
    case "acting":
    case "acted":
    case "rang":
    case "signalled":
    case "viewed":
      return null;
    default:
      body satisfies never;
      return null;
  }
}

/** A message with what has become of it. What was written on the platform can only be changed there. */
function ours(bubble: Bubble, ref: string, anew: readonly Part[] | undefined): Bubble {
  if (anew && !anew.length) return { ...bubble, gone: "deleted" };
  const now: Bubble = anew ? { ...bubble, parts: anew, came: "edited" } : bubble;
  return { ...now, revisable: bubble.own && !ref };
}

type MakeLine = (tone: Tone, key: Key, values?: Record<string, string>, quote?: string) => Line;

/** What the customer was told of a change stands under the line of that change, whichever came first. */
function joinTold(previous: Item, item: Item, items: Item[]): boolean {
  const [line, told] = previous.item === "line" ? [previous, item] : [item, previous];
  if (line.item !== "line" || told.item !== "told" || line.told || Math.abs(line.seq - told.seq) > NEAR) return false;
  items[items.length - 1] = { ...line, told: told.text };
  return true;
}

function controlled(body: Extract<Event["body"], { kind: "controlled" }>, reader: Reader, line: MakeLine): Line {
  const { control, by, why } = body;
  const name = control.holder_name ?? by.name ?? "";
  const mine = holderOf(control) === reader.me;
  const state = stateOf(control);
  switch (state) {
    case "bot":
      return line("bot", "line.bot");
    case "queued":
      if (body.was === "human") return line("wait", "line.requeued", { name: by.name ?? "" });
      if ((why ?? control.reason) === "asked") return line("wait", "line.asked", { name: reader.customer });
      return line("wait", reasonKey("line.wanted", why ?? control.reason ?? ""));
    case "offered":
      return line("wait", mine ? "line.offered.me" : "line.offered", { name });
    case "human":
      return line("human", mine ? "line.human.me" : "line.human", { name });
    case "wrap_up":
      return line("plain", "line.wrap_up", { name });
    case "paused":
      return line("plain", "line.paused");
    default:
      state satisfies never;
      return line("plain", "line.paused");
  }
}

function settled(status: string, reason: string, author: Author, line: MakeLine): Line {
  if (status === "open") return line("plain", "line.reopened");
  if (status === "resolved") {
    return author.kind === "agent"
      ? line("plain", "line.resolved.by", { name: author.name ?? "" }, reason)
      : line("plain", "line.resolved", {}, reason);
  }
  return line("plain", status === "spam" ? "line.spam" : "line.snoozed", {}, reason);
}

const REASONS = ["asked", "stuck", "no_evidence", "action_failed", "policy", "model_down", "error", "rule", "approval"] as const;

/** The text for a reason the server may have added since this page was built falls back to a general one. */
export function reasonKey(prefix: "reason" | "line.wanted", reason: string): Key {
  const known = REASONS.find((word) => word === reason);
  return known ? `${prefix}.${known}` : `${prefix}.other`;
}

function words(text: string): Part {
  return { part: "text", spans: [{ text }] };
}

function inRuns(items: Item[]): Item[] {
  return items.map((item, index) => {
    if (item.item !== "bubble") return item;
    return { ...item, first: !joins(items[index - 1], item), last: !joins(item, items[index + 1]) };
  });
}

function joins(one: Item | undefined, other: Item | undefined): boolean {
  return (
    one?.item === "bubble" &&
    other?.item === "bubble" &&
    one.author.kind === other.author.kind &&
    (one.author.id ?? "") === (other.author.id ?? "") &&
    Date.parse(other.at) - Date.parse(one.at) <= RUN
  );
}

function sameDay(one: string, other: string): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
