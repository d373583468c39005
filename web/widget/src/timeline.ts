// The rows of the log: events, what is not yet among them, and what stands between them. Pure.
import { parse } from "../../shared/markdown";
import type {
  WidgetControlView,
  WidgetEvent,
  WidgetFormView,
  WidgetGreeting,
  WidgetOptionView,
  WidgetPart,
  WidgetRevisedView,
  WidgetSpeaker,
} from "../../shared/schema";
import { filled } from "./parts/Form";
import type { Mine, State } from "./store";

export type Row =
  | { readonly row: "day"; readonly key: string; readonly at: Date }
  | Line
  | { readonly row: "notice"; readonly key: string; readonly seq: number; readonly text: string }
  | Said;

/** A change of who speaks; `text` is what the server said of it, in words of the business. */
export interface Line {
  readonly row: "line";
  readonly key: string;
  readonly seq: number;
  readonly control: WidgetControlView;
  readonly text?: string;
}

export interface Said {
  readonly row: "said";
  readonly key: string;
  /** 0: not in the log. */
  readonly seq: number;
  readonly by: WidgetSpeaker;
  readonly at: Date | null;
  readonly parts: readonly WidgetPart[];
  readonly mine: Mine | null;
  /** A draft that was cut, and is all there will be. */
  readonly stopped: boolean;
  /** What its author has done to it since. */
  readonly revised: "" | "edited" | "removed";
  /** First and last of a run: the same speaker within two minutes. */
  readonly first: boolean;
  readonly last: boolean;
}

const RUN = 120_000;
const CUSTOMER: WidgetSpeaker = { kind: "customer" };

/** Rows of events that were drawn before are the same objects again: a log of thousands grows by one. */
const drawn = new WeakMap<WidgetEvent, readonly Row[]>();

export function timeline(state: State): Row[] {
  const rows: Row[] = [];
  if (state.greeting && !state.more) rows.push(greeted(state.greeting));
  const failed = state.mine.filter((item) => item.state === "failed");
  const spoken = new Set<number>();
  const revisions = new Map(state.events.flatMap((event) => (event.kind === "revised" ? [[event.of, event] as const] : [])));
  for (const event of state.events) {
    while (failed[0] && failed[0].after < event.seq) rows.push(owned(failed.shift()!));
    let made = drawn.get(event);
    if (!made) drawn.set(event, (made = rowsOf(event, state, spoken)));
    if (event.kind === "said" && event.turn !== null) spoken.add(event.turn);
    const revision = revisions.get(event.seq);
    rows.push(...(revision ? made.map((row) => revisedBy(row, revision)) : made));
  }
  rows.push(...failed.map(owned), ...state.mine.filter((item) => item.state !== "failed").map(owned));
  return grouped(days(announced(rows)));
}

/** A change of control and the notice that came with it are one line. */
function announced(rows: readonly Row[]): Row[] {
  const found: Row[] = [];
  for (const row of rows) {
    const before = found.at(-1);
    if (row.row === "notice" && before?.row === "line" && row.seq === before.seq + 1) {
      found[found.length - 1] = { ...before, text: row.text };
    } else found.push(row);
  }
  return found;
}

function rowsOf(event: WidgetEvent, state: State, spoken: ReadonlySet<number>): Row[] {
  const { seq } = event;
  const at = new Date(event.at);
  switch (event.kind) {
    case "said": {
      const notices = event.parts.filter((part) => part.part === "notice");
      const parts = event.parts.filter((part) => part.part !== "notice");
      const rows: Row[] = notices.map(({ text }, n) => ({ row: "notice", key: `${seq}-${n}`, seq, text }));
      // A message keeps its place on the screen from its first sign, draft or outbox, to its event.
      const turn = event.turn !== null && !spoken.has(event.turn) ? `turn-${event.turn}` : "";
      if (parts.length) rows.push(said({ key: event.ref || turn || `${seq}`, seq, by: event.by, at, parts }));
      return rows;
    }
    case "pressed": {
      const parts: WidgetPart[] = [{ part: "text", spans: [{ text: event.label }] }];
      return [said({ key: event.ref || `${seq}`, seq, by: CUSTOMER, at, parts })];
    }
    case "submitted": {
      const text = filled(formOf(event.token, state), event.values);
      return [said({ key: event.ref || `${seq}`, seq, by: CUSTOMER, at, parts: [{ part: "text", spans: [{ text }] }] })];
    }
    case "revised":
      return [];
    case "partial": {
      const name = state.greeting?.name ?? "";
      // It was a draft, and no parser of the server's has seen it.
      const parts: WidgetPart[] = [{ part: "text", spans: parse(event.text) }];
      const key = event.turn === null ? `${seq}` : `turn-${event.turn}`;
      return [said({ key, seq, by: { kind: "bot", name, ai: true }, at, parts, stopped: true })];
    }
    case "controlled":
      return [{ row: "line", key: `${seq}`, seq, control: event.control }];
    default:
      event satisfies never;
      return [];
  }
}

function revisedBy(row: Row, { parts }: WidgetRevisedView): Row {
  return row.row === "said" ? { ...row, parts, revised: parts.length ? "edited" : "removed" } : row;
}

function formOf(token: string, { events }: State): WidgetFormView | undefined {
  for (const event of events) {
    if (event.kind !== "said") continue;
    for (const part of event.parts) if (part.part === "form" && part.token === token) return part;
  }
  return undefined;
}

function owned(item: Mine): Said {
  const { file, text } = item;
  const parts: WidgetPart[] = [file ? sent(file) : { part: "text", spans: [{ text }] }];
  return said({ key: item.id, by: CUSTOMER, at: new Date(item.at), parts, mine: item });
}

function sent({ name, size }: File): WidgetPart {
  return { part: "media", kind: "file", name, size, caption: "", alt: "", transcript: "", address: "" };
}

function greeted(greeting: WidgetGreeting): Said {
  return said({ key: "greeting", by: { kind: "bot", name: greeting.name, ai: true }, at: null, parts: greeting.parts });
}

function said(row: Pick<Said, "key" | "by" | "at" | "parts"> & Partial<Said>): Said {
  return { row: "said", seq: 0, mine: null, stopped: false, revised: "", first: true, last: true, ...row };
}

function days(rows: readonly Row[]): Row[] {
  const found: Row[] = [];
  let ends = -Infinity;
  for (const row of rows) {
    const at = row.row === "said" ? row.at : null;
    if (at && at.getTime() >= ends) {
      ends = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
      const label: Row = { row: "day", key: `day-${ends}`, at };
      // The greeting belongs to the day on which the conversation began.
      const only = found.length === 1 && found[0]!.row === "said" && found[0]!.at === null;
      found.splice(only ? 0 : found.length, 0, label);
    }
    found.push(row);
  }
  return found;
}

function grouped(rows: readonly Row[]): Row[] {
  return rows.map((row, at) => {
    if (row.row !== "said") return row;
    const first = !together(rows[at - 1], row);
    const last = !together(row, rows[at + 1]);
    return first && last ? row : { ...row, first, last };
  });
}

function together(one: Row | undefined, other: Row | undefined): boolean {
  if (one?.row !== "said" || other?.row !== "said") return false;
  const close = !one.at || !other.at || other.at.getTime() - one.at.getTime() < RUN;
  return close && speaker(one.by) === speaker(other.by) && one.mine?.state !== "failed";
}

export function speaker(by: WidgetSpeaker): string {
  return by.kind === "agent" ? `agent ${by.name}` : by.kind;
}

// Which options may still be chosen ---------------------------------------------------------------------------------------

export interface Choosing {
  /** Tokens that were pressed, and of forms that were sent. */
  readonly chosen: ReadonlySet<string>;
  readonly wrong: State["wrong"];
  /** Seq of the last change of control: it voids every option before it. */
  readonly voided: number;
  /** The message whose quick replies may be shown. */
  readonly latest: string;
  /** Nothing can be pressed now. */
  readonly closed: boolean;
}

export function choosing(state: State, rows: readonly Row[]): Choosing {
  const chosen = new Set<string>();
  let voided = 0;
  for (const event of state.events) {
    if (event.kind === "pressed" || event.kind === "submitted") chosen.add(event.token);
    else if (event.kind === "controlled") voided = event.seq;
  }
  for (const item of state.mine) if (item.token && item.state !== "failed") chosen.add(item.token);
  const spoken = rows.findLast((row) => row.row === "said" && row.mine?.state !== "failed");
  return { chosen, wrong: state.wrong, voided, latest: spoken?.key ?? "", closed: state.control?.state === "closed" };
}

/** Options are single use, void after a change of control, and quick ones gone once anything else was said. */
export function mayChoose(row: Said, options: readonly Pick<WidgetOptionView, "token">[], quick: boolean, now: Choosing): boolean {
  if (now.closed || row.by.kind === "customer" || options.some((option) => now.chosen.has(option.token))) return false;
  if (row.seq ? row.seq < now.voided : now.voided > 0) return false;
  return !quick || row.key === now.latest;
}
