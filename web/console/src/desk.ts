/**
 * What an agent does to conversations: one act at a time in each, in the order it was asked for, so that a reply typed
 * while the takeover is still on its way goes out under the takeover's epoch. Knows neither React nor the cache.
 */

import { type Api, Refusal, Unreachable } from "./api";
import type { Kind } from "./composer/floor";
import type { Attached } from "./composer/attached";
import type { Unsent } from "./composer/unsent";
import type { Clock } from "./live/link";
import { type Done, epochOf, type Event, type How, type Problem, type Row, type Uploaded, type Verdict } from "./wire";

const TRIES = 3;
const TRY_AGAIN = 5_000;

export interface Sending {
  key: string;
  kind: Kind;
  text: string;
  files: readonly Uploaded[];
  state: "sending" | "waiting" | "failed";
  /** Why the server would not have it. */
  problem: string;
}

/** control: somebody else has it. newer: what was said meanwhile. failed: anything else, in the server's words. */
export type Trouble =
  | { code: "control"; row: Row | null; kind: Kind | null }
  | { code: "newer"; events: readonly Event[]; kind: Kind; claim: boolean }
  | { code: "failed"; text: string; request: string };

export type Act = "take_over" | "hand_back" | "resolve" | "revise" | "withdraw";

export interface Place {
  sending: readonly Sending[];
  trouble: Trouble | null;
  doing: Act | null;
  /** Seq of the bot's one message that was on its way when control changed, and may still arrive. */
  inFlight: number | null;
}

/** What the desk needs from the page's memory. */
export interface Book {
  row(conversation: string): Row | undefined;
  done(conversation: string, done: Done): void;
  /** Facts that came with a refusal: the row as it is now, events not yet held. */
  learned(conversation: string, problem: Problem): void;
  signedOut(): void;
}

const IDLE: Place = { sending: [], trouble: null, doing: null, inFlight: null };

export class Desk {
  readonly #api: Api;
  readonly #book: Book;
  readonly #unsent: Unsent;
  readonly #attached: Attached;
  readonly #clock: Clock;
  readonly #places = new Map<string, Place>();
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(api: Api, book: Book, unsent: Unsent, attached: Attached, clock: Clock) {
    this.#api = api;
    this.#book = book;
    this.#unsent = unsent;
    this.#attached = attached;
    this.#clock = clock;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  place(conversation: string): Place {
    return this.#places.get(conversation) ?? IDLE;
  }

  /** The line is back: what waits goes now. */
  retry(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** Sends what stands in the composer. True when it arrived. */
  send(conversation: string, kind: Kind, how: { claim: boolean; seen: number }): Promise<boolean> {
    const key = crypto.randomUUID();
    const text = this.#unsent.lift(conversation, kind, key).trim();
    const files = kind === "reply" ? this.#attached.lift(conversation) : [];
    const sending: Sending = { key, kind, text, files, state: "sending", problem: "" };
    this.#change(conversation, (place) => ({ ...place, trouble: null, sending: [...place.sending, sending] }));
    return this.#inOrder(conversation, () => this.#deliver(conversation, sending, how));
  }

  /** What the server would not have goes back into the composer. */
  edit(conversation: string, key: string): void {
    const sending = this.#drop(conversation, key);
    if (!sending) return;
    this.#unsent.giveBack(conversation, sending.kind, key);
    this.#attached.giveBack(conversation, sending.files);
  }

  forget(conversation: string, key: string): void {
    const sending = this.#drop(conversation, key);
    if (sending) this.#unsent.settle(conversation, sending.kind, key);
  }

  dismiss(conversation: string): void {
    this.#change(conversation, (place) => ({ ...place, trouble: null }));
  }

  takeOver(conversation: string): Promise<boolean> {
    return this.#do(conversation, "take_over", (key) =>
      this.#api.takeOver(conversation, this.#epoch(conversation), key),
    );
  }

  /** `verdict`: on the action that waits for approval; empty where none does. */
  handBack(conversation: string, how: How, instruction: string, verdict: Verdict = ""): Promise<boolean> {
    return this.#do(conversation, "hand_back", (key) =>
      this.#api.handBack(conversation, this.#epoch(conversation), how, instruction, verdict, key),
    );
  }

  resolve(conversation: string, reason: string): Promise<boolean> {
    return this.#do(conversation, "resolve", (key) =>
      this.#api.resolve(conversation, this.#epoch(conversation), reason, key),
    );
  }

  /** Writes a message of the agent's own anew. */
  revise(conversation: string, seq: number, text: string): Promise<boolean> {
    return this.#do(conversation, "revise", (key) => this.#api.revise(conversation, seq, text, key));
  }

  /** Takes a message of the agent's own back. */
  withdraw(conversation: string, seq: number): Promise<boolean> {
    return this.#do(conversation, "withdraw", (key) => this.#api.withdraw(conversation, seq, key));
  }

  async #do(conversation: string, act: Act, ask: (key: string) => Promise<Done>): Promise<boolean> {
    this.#change(conversation, (place) => ({ ...place, doing: act, trouble: null }));
    return this.#inOrder(conversation, async () => {
      const key = crypto.randomUUID();
      for (let tries = 1; ; tries += 1) {
        try {
          const done = await ask(key);
          this.#book.done(conversation, done);
          this.#change(conversation, (place) => ({ ...place, doing: null, inFlight: done.in_flight }));
          return true;
        } catch (error) {
          if (error instanceof Unreachable && tries < TRIES) continue;
          this.#change(conversation, (place) => ({ ...place, doing: null, trouble: this.#troubleOf(error, null, false) }));
          if (error instanceof Refusal) this.#learn(conversation, error.problem);
          return false;
        }
      }
    });
  }

  async #deliver(conversation: string, sending: Sending, how: { claim: boolean; seen: number }): Promise<boolean> {
    const { key, kind, text } = sending;
    const files = sending.files.map(({ ref, name }) => ({ ref, name }));
    const reply = { text, seen: how.seen, epoch: this.#epoch(conversation), claim: how.claim, ...(files.length && { files }) };
    for (;;) {
      try {
        const done = await (kind === "note"
          ? this.#api.note(conversation, text, key)
          : this.#api.reply(conversation, reply, key));
        this.#drop(conversation, key);
        this.#unsent.settle(conversation, kind, key);
        this.#book.done(conversation, done);
        if (done.in_flight !== null) this.#change(conversation, (place) => ({ ...place, inFlight: done.in_flight }));
        return true;
      } catch (error) {
        if (!(error instanceof Unreachable)) return this.#refused(conversation, sending, how.claim, error);
        this.#mark(conversation, key, "waiting", "");
        await this.#lineIsBack();
        this.#mark(conversation, key, "sending", "");
      }
    }
  }

  #refused(conversation: string, sending: Sending, claim: boolean, error: unknown): false {
    if (!(error instanceof Refusal)) throw error;
    const { problem } = error;
    switch (problem.code) {
      case "control":
      case "newer":
      case "signed_out":
      case "csrf":
        this.edit(conversation, sending.key);
        this.#change(conversation, (place) => ({ ...place, trouble: this.#troubleOf(error, sending.kind, claim) }));
        break;
      default:
        this.#mark(conversation, sending.key, "failed", problem.text);
    }
    this.#learn(conversation, problem);
    return false;
  }

  #learn(conversation: string, problem: Problem): void {
    if (problem.code === "signed_out" || problem.code === "csrf") this.#book.signedOut();
    else this.#book.learned(conversation, problem);
  }

  #troubleOf(error: unknown, kind: Kind | null, claim: boolean): Trouble | null {
    if (!(error instanceof Refusal)) return { code: "failed", text: "", request: "" };
    const { problem } = error;
    switch (problem.code) {
      case "control":
        return { code: "control", row: problem.row ?? null, kind };
      case "newer":
        return { code: "newer", events: problem.events ?? [], kind: kind ?? "reply", claim };
      case "signed_out":
      case "csrf":
        return null;
      default:
        return { code: "failed", text: problem.text, request: problem.request };
    }
  }

  #epoch(conversation: string): number {
    const row = this.#book.row(conversation);
    return row ? epochOf(row.control) : 0;
  }

  #inOrder<T>(conversation: string, run: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(conversation) ?? Promise.resolve()).then(run, run);
    this.#last.set(conversation, mine);
    return mine;
  }

  #lineIsBack(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        cancel();
        this.#waiting.delete(go);
        resolve();
      };
      const cancel = this.#clock.after(TRY_AGAIN, go);
      this.#waiting.add(go);
    });
  }

  #mark(conversation: string, key: string, state: Sending["state"], problem: string): void {
    this.#change(conversation, (place) => ({
      ...place,
      sending: place.sending.map((one) => (one.key === key ? { ...one, state, problem } : one)),
    }));
  }

  #drop(conversation: string, key: string): Sending | undefined {
    const sending = this.place(conversation).sending.find((one) => one.key === key);
    if (sending) {
      this.#change(conversation, (place) => ({ ...place, sending: place.sending.filter((one) => one.key !== key) }));
    }
    return sending;
  }

  #change(conversation: string, change: (place: Place) => Place): void {
    this.#places.set(conversation, change(this.place(conversation)));
    for (const listener of this.#listeners) listener();
  }
}
