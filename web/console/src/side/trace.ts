/** Gathers what the inspector shows of each turn: who took it, what was decided, what was run. Pure. */

import type { Command, Event, Move } from "../wire";

export interface Call {
  key: string;
  action: string;
  args: Readonly<Record<string, unknown>>;
  state: "running" | "done" | "failed";
  result: unknown;
  error: string;
}

export interface Decision {
  command: string;
  about: string;
  source: string;
  /** Empty: applied. */
  refused: string;
}

export interface TurnTrace {
  turn: number;
  at: string;
  /** Seq of the first event of the turn, to find it in the log. */
  seq: number;
  heard: string;
  responder: string;
  declined: readonly (readonly [string, string])[];
  decisions: Decision[];
  path: string[];
  facts: { name: string; value: unknown }[];
  calls: Call[];
}

/** The latest turn first. */
export function traces(events: readonly Event[]): TurnTrace[] {
  const turns = new Map<number, TurnTrace>();
  let heard = "";
  for (const event of events) {
    heard = wordsOf(event) ?? heard;
    if (event.turn === undefined || event.turn === null) continue;
    const { body } = event;
    if (body.kind !== "turned" && body.kind !== "acting" && body.kind !== "acted") continue;
    let trace = turns.get(event.turn);
    if (!trace) {
      trace = { ...EMPTY, turn: event.turn, at: event.at, seq: event.seq, heard, decisions: [], path: [], facts: [], calls: [] };
      turns.set(event.turn, trace);
    }
    switch (body.kind) {
      case "turned":
        trace.responder = body.responder;
        trace.declined = body.declined ?? [];
        for (const move of body.moves ?? []) follow(trace, move);
        break;
      case "acting":
        trace.calls.push({ key: body.key, action: body.action, args: body.args, state: "running", result: null, error: "" });
        break;
      case "acted":
        trace.calls = trace.calls.map((call) => (call.key === body.key ? finished(call, body) : call));
        break;
      default:
        body satisfies never;
    }
  }
  return [...turns.values()].reverse();
}

const EMPTY = { responder: "", declined: [] };

function finished(call: Call, body: Extract<Event["body"], { kind: "acted" }>): Call {
  return body.error
    ? { ...call, state: "failed", error: body.error }
    : { ...call, state: "done", result: body.result ?? null };
}

function follow(trace: TurnTrace, move: Move): void {
  switch (move.move) {
    case "applied":
      trace.decisions.push({ ...spell(move.by), source: move.source, refused: "" });
      return;
    case "refused":
      trace.decisions.push({ ...spell(move.by), source: move.source, refused: move.why });
      return;
    case "pushed":
      trace.path.push(move.frame.flow);
      return;
    case "entered":
      trace.path.push(move.step);
      return;
    case "rewound":
      trace.path.push(`↶ ${move.step}`);
      return;
    case "moved":
      trace.path.push(`⇢ ${move.step}`);
      return;
    case "popped":
      trace.path.push(`✓ ${move.outcome}`);
      return;
    case "forgotten":
      return;
    case "reopened":
      trace.path.push("↺");
      return;
    case "filled":
      trace.facts.push({ name: move.slot, value: move.value });
      return;
    case "emptied":
      trace.facts.push({ name: move.slot, value: null });
      return;
    case "did":
      // A reading action has no intent in the log: the move is all there is of it.
      if (move.effect === "read") trace.calls.push(read(move));
      return;
    case "raised":
    case "asked":
    case "offered":
    case "voided":
    case "queued":
    case "dequeued":
    case "armed":
    case "disarmed":
    case "picked":
    case "remembered":
    case "recalled":
    case "knew":
    case "spoke":
      return;
    default:
      move satisfies never;
  }
}

function read(move: Extract<Move, { move: "did" }>): Call {
  const state = (move.ok ?? true) ? "done" : "failed";
  return { key: `${move.frame}.${move.step}`, action: move.action, args: {}, state, result: null, error: "" };
}

/** A command in words: its name, and what it is about. */
export function spell(command: Command): { command: string; about: string } {
  const about = (text: string) => ({ command: command.command, about: text });
  switch (command.command) {
    case "start":
      return about(command.flow);
    case "set":
      return about(`${command.slot} = ${shown(command.value)}`);
    case "unset":
      return about(command.slot);
    case "cancel":
      return about(command.scope ?? "flow");
    case "resume":
      return about(command.flow ?? "");
    case "clarify":
      return about((command.flows ?? []).join(", "));
    case "lookup":
      return about(command.question);
    case "human":
      return about([command.reason ?? "asked", command.note ?? ""].filter(Boolean).join(": "));
    case "refuse":
      return about(command.reason);
    case "skip":
    case "repeat":
    case "chat":
    case "restart":
      return about("");
    default:
      command satisfies never;
      return { command: "", about: "" };
  }
}

/** A value as a person reads it: words as they are, the rest as JSON. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function wordsOf(event: Event): string | null {
  if (event.author.kind !== "customer") return null;
  if (event.body.kind === "pressed") return event.body.label ?? "";
  if (event.body.kind !== "said") return null;
  return event.body.message.parts
    .map((part) => (part.part === "text" ? part.spans.map((span) => span.text).join("") : ""))
    .join("");
}
