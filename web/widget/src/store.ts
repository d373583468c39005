// What the widget knows of a conversation: folded from the server's frames and from what this customer sends.
// Values in, values out; no clock, no network.
import type {
  WidgetControlView,
  WidgetDraft,
  WidgetDraftView,
  WidgetEvent,
  WidgetGreeting,
  WidgetLimits,
  WidgetServerFrame,
  WidgetSpeaker,
  WidgetWelcome,
} from "../../shared/schema";

/** Something this customer said or pressed that is not in the log yet. */
export interface Mine {
  readonly id: string;
  readonly at: number;
  readonly text: string;
  readonly token: string;
  /** Of a form. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** Seq of the event it followed: what was not sent keeps its place. */
  readonly after: number;
  readonly state: "sending" | "sent" | "failed";
  /** What the server said against it. */
  readonly why: string;
  /** It lives as long as the page. */
  readonly file?: File;
  /** Of the file, from 0 to 1. */
  readonly done?: number;
}

export interface State {
  readonly conversation: string;
  /** Highest seq held: where the next hello goes on. */
  readonly seq: number;
  /** Rising by seq, without gaps that matter to this reader. */
  readonly events: readonly WidgetEvent[];
  readonly more: boolean;
  readonly mine: readonly Mine[];
  /** What is wrong with forms that were sent: by token, then by name of the field. */
  readonly wrong: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly control: WidgetControlView | null;
  readonly greeting: WidgetGreeting | null;
  readonly limits: WidgetLimits | null;
  readonly draft: WidgetDraftView | null;
  /** The last turn whose words were said: drafts of it that come late are void. Turns count from 0; -1: none. */
  readonly spoken: number;
  readonly typing: { readonly who: WidgetSpeaker; readonly until: number } | null;
  /** Until when an answer is expected; 0: none is. */
  readonly replying: number;
}

export const EMPTY: State = {
  conversation: "",
  seq: 0,
  events: [],
  more: false,
  mine: [],
  wrong: {},
  control: null,
  greeting: null,
  limits: null,
  draft: null,
  spoken: -1,
  typing: null,
  replying: 0,
};

export interface Step {
  readonly state: State;
  /** Something is missing: say hello again from `state.seq`. */
  readonly again: boolean;
  /** Events that were not held before and are no history. */
  readonly news: readonly WidgetEvent[];
}

/** The state after one frame. A frame this version does not know changes nothing: the server may be newer. */
export function receive(state: State, frame: WidgetServerFrame, now: number): Step {
  switch (frame.frame) {
    case "welcome":
      return welcome(state, frame);
    case "older":
      return quiet({ ...state, events: merge(frame.events, state.events), more: frame.more });
    case "ack":
      return quiet(own(state, frame.id, { state: "sent" }));
    case "event":
      if (frame.seq <= state.seq) return quiet(state);
      if (frame.prev !== state.seq) return { state, again: true, news: [] };
      return { state: append({ ...state, seq: frame.seq }, [frame.event]), again: false, news: [frame.event] };
    case "draft":
      return draft(state, frame);
    case "reset":
      return quiet(frame.turn === state.draft?.turn ? { ...state, draft: null } : state);
    case "typing":
      return quiet(typing(state, frame.who, frame.seconds, now));
    case "refused":
    case "ping":
      return quiet(state);
    default:
      frame satisfies never;
      return quiet(state);
  }
}

/** Something of this customer's own, shown at once. */
export function mine(state: State, item: Mine): State {
  return { ...state, mine: [...state.mine.filter((other) => other.id !== item.id), item] };
}

export function own(state: State, id: string, change: Partial<Pick<Mine, "state" | "why" | "done">>): State {
  return { ...state, mine: state.mine.map((item) => (item.id === id ? { ...item, ...change } : item)) };
}

/** A form came back: it may be filled in again. */
export function correct(state: State, id: string, errors: Readonly<Record<string, string>>): State {
  const token = state.mine.find((item) => item.id === id)?.token ?? "";
  return { ...disown(state, id), wrong: { ...state.wrong, [token]: errors }, replying: 0 };
}

export function disown(state: State, id: string): State {
  return { ...state, mine: state.mine.filter((item) => item.id !== id) };
}

/** How many messages by others follow `seen`. */
export function unread(state: State, seen: number): number {
  return state.events.filter((event) => event.seq > seen && isNews(event)).length;
}

/** Whether an event is something to read, said by someone else. */
export function isNews(event: WidgetEvent): boolean {
  return (event.kind === "said" && event.by.kind !== "customer") || event.kind === "partial";
}

function quiet(state: State): Step {
  return { state, again: false, news: [] };
}

function welcome(state: State, frame: WidgetWelcome): Step {
  const same = frame.conversation === state.conversation;
  if (same && frame.seq < state.seq) {
    // The server knows less than we hold: a store set back. Its log is the true one.
    return { state: { ...EMPTY, mine: state.mine, conversation: state.conversation }, again: true, news: [] };
  }
  const held = same ? state.seq : 0;
  const base: State = {
    ...(same ? state : { ...EMPTY, mine: state.mine.filter((item) => item.state !== "sent") }),
    conversation: frame.conversation,
    seq: frame.seq,
    more: held ? state.more : frame.more,
    control: frame.control,
    greeting: frame.greeting,
    limits: frame.limits,
    draft: null,
    typing: null,
  };
  const after = append(base, frame.events);
  // A draft may have been told on the way to a log that has its words by now.
  const draft = frame.draft && frame.draft.turn > after.spoken ? frame.draft : null;
  return {
    // `append` keeps the control of the events; the frame's is later or the same.
    state: { ...after, control: frame.control, draft },
    again: false,
    news: held ? frame.events.filter((event) => event.seq > held) : [],
  };
}

function append(state: State, events: readonly WidgetEvent[]): State {
  let next: State = { ...state, events: merge(state.events, events) };
  for (const event of events) {
    switch (event.kind) {
      case "said":
        next = said(next, event);
        break;
      case "pressed":
      case "submitted":
        next = disown(next, event.ref);
        break;
      case "partial":
        next = { ...next, draft: null, replying: 0, spoken: event.turn ?? next.spoken };
        break;
      case "revised":
        break;
      case "controlled":
        next = { ...next, control: event.control, replying: 0, typing: null };
        break;
      default:
        event satisfies never;
    }
  }
  return next;
}

function said(state: State, event: Extract<WidgetEvent, { kind: "said" }>): State {
  if (event.by.kind === "customer") return disown(state, event.ref);
  const ends = event.turn !== null && event.turn === state.draft?.turn;
  return {
    ...state,
    typing: null,
    replying: 0,
    draft: ends ? null : state.draft,
    spoken: event.turn ?? state.spoken,
  };
}

function draft(state: State, frame: WidgetDraft): Step {
  const held = state.draft;
  if (held ? frame.turn < held.turn : frame.turn <= state.spoken) return quiet(state);
  const same = held?.turn === frame.turn && held.attempt === frame.attempt;
  if (same && frame.n <= held.n) return quiet(state);
  if (held?.turn === frame.turn && frame.attempt < held.attempt) return quiet(state);
  // Offsets count code points, and a JavaScript string UTF-16 units.
  const points = same ? Array.from(held.text) : [];
  if (frame.start > points.length) return { state, again: true, news: [] };
  const text = points.slice(0, frame.start).join("") + frame.text;
  const { turn, attempt, n } = frame;
  return quiet({ ...state, typing: null, replying: 0, draft: { turn, attempt, n, text } });
}

function typing(state: State, who: WidgetSpeaker, seconds: number, now: number): State {
  const until = seconds ? now + seconds * 1_000 : 0;
  if (who.kind === "bot") return { ...state, replying: until };
  return { ...state, typing: until ? { who, until } : null };
}

/** Both rising; an event held twice counts once. */
function merge(one: readonly WidgetEvent[], other: readonly WidgetEvent[]): readonly WidgetEvent[] {
  const held = new Set(one.map((event) => event.seq));
  const added = other.filter((event) => !held.has(event.seq));
  if (!added.length) return one;
  const all = [...one, ...added];
  const inOrder = all.every((event, at) => !at || all[at - 1]!.seq < event.seq);
  return inOrder ? all : all.sort((a, b) => a.seq - b.seq);
}
