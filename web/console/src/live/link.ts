/**
 * The live line to the server: one socket, resumed by sequence number. Knows neither React nor the cache.
 *
 * What it hands on is free of gaps and doubles: an event whose seq is not the last one plus one is withheld until the
 * server has been asked for what is missing.
 */

import type { ClientFrame, ServerFrame } from "../wire";

const SILENCE = 30_000;
const BACKOFF = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
const TYPING_EVERY = 3_000;
const ASK_AGAIN = 1_000;

export interface Socket {
  send(text: string): void;
  close(): void;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

export interface Clock {
  now(): number;
  /** Runs once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void;
  random(): number;
}

export type LinkState = "connecting" | "online" | "offline";

export interface Listener {
  state(state: LinkState): void;
  /** The server answered: what was fetched before may lack what happened since. */
  ready(): void;
  frame(frame: ServerFrame): void;
  /** The line broke, or never stood. The sign-in may have ended: whoever knows that stops the link. */
  lost(): void;
}

interface Watched {
  last: number;
  asked: boolean;
}

export const browserClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

export class Link {
  /** Frames of a kind this page does not know: a newer server must not break it. */
  skipped = 0;

  readonly #open: () => Socket;
  readonly #listener: Listener;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  readonly #typedAt = new Map<string, number>();
  #socket: Socket | null = null;
  #state: LinkState = "connecting";
  #attempts = 0;
  #stopped = false;
  #heardAt = 0;
  #cancelSilence = () => {};
  #cancelRetry = () => {};

  constructor(open: () => Socket, listener: Listener, clock: Clock = browserClock) {
    this.#open = open;
    this.#listener = listener;
    this.#clock = clock;
  }

  get state(): LinkState {
    return this.#state;
  }

  start(): void {
    if (this.#socket) return;
    this.#stopped = false;
    this.#cancelRetry();
    const socket = this.#open();
    this.#socket = socket;
    socket.onmessage = (message) => this.#hear(socket, message.data);
    socket.onclose = () => this.#lose(socket);
    this.#listen();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
    this.#cancelSilence();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** The page came back (network, focus, sleep): do not wait for a timer that may have stood still. */
  wake(): void {
    if (!this.#socket) this.start();
    else if (this.#clock.now() - this.#heardAt >= SILENCE) this.#lose(this.#socket);
  }

  /** From now on hand on what follows `after`; returns how to end it. */
  watch(conversation: string, after: number): () => void {
    const watched = { last: after, asked: false };
    this.#watched.set(conversation, watched);
    if (this.#state === "online") this.#ask(conversation, watched);
    return () => {
      if (this.#watched.get(conversation) !== watched) return;
      this.#watched.delete(conversation);
      if (this.#state === "online") this.#send({ frame: "unwatch", conversation });
    };
  }

  /** Events up to `seq` are held already, from an answer over HTTP. */
  advance(conversation: string, seq: number): void {
    const watched = this.#watched.get(conversation);
    if (watched && seq > watched.last) watched.last = seq;
  }

  typing(conversation: string): void {
    const now = this.#clock.now();
    if (this.#state !== "online" || now - (this.#typedAt.get(conversation) ?? -TYPING_EVERY) < TYPING_EVERY) return;
    this.#typedAt.set(conversation, now);
    this.#send({ frame: "typing", conversation });
  }

  #hear(socket: Socket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== "string") return;
    this.#listen();
    const frame = JSON.parse(data) as ServerFrame;
    switch (frame.frame) {
      case "ping":
        this.#send({ frame: "pong" });
        return;
      case "ready":
        this.#begin(frame);
        return;
      case "event":
        this.#event(frame);
        return;
      case "caught_up":
        this.#caughtUp(frame.conversation, frame.seq);
        return;
      case "row":
      case "counts":
      case "draft":
      case "reset":
      case "typing":
      case "viewers":
      case "refused":
        this.#listener.frame(frame);
        return;
      default:
        frame satisfies never;
        this.skipped += 1;
    }
  }

  #begin(frame: ServerFrame): void {
    this.#attempts = 0;
    this.#become("online");
    this.#listener.frame(frame);
    this.#listener.ready();
    for (const [conversation, watched] of this.#watched) this.#ask(conversation, watched);
  }

  #event(frame: Extract<ServerFrame, { frame: "event" }>): void {
    const watched = this.#watched.get(frame.conversation);
    if (!watched || frame.event.seq <= watched.last) return;
    if (frame.event.seq > watched.last + 1) {
      if (!watched.asked) this.#ask(frame.conversation, watched);
      return;
    }
    watched.last = frame.event.seq;
    this.#listener.frame(frame);
  }

  #caughtUp(conversation: string, seq: number): void {
    const watched = this.#watched.get(conversation);
    if (!watched) return;
    watched.asked = false;
    if (seq <= watched.last) return;
    // Told that all was sent, and it was not. A pause, so that a fault of the server cannot become a storm.
    watched.asked = true;
    this.#clock.after(ASK_AGAIN, () => {
      if (this.#watched.get(conversation) === watched && this.#state === "online") this.#ask(conversation, watched);
    });
  }

  #ask(conversation: string, watched: Watched): void {
    watched.asked = true;
    this.#send({ frame: "watch", conversation, after: watched.last });
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #listen(): void {
    this.#heardAt = this.#clock.now();
    this.#cancelSilence();
    this.#cancelSilence = this.#clock.after(SILENCE, () => {
      if (this.#socket) this.#lose(this.#socket);
    });
  }

  #lose(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#cancelSilence();
    this.#socket = null;
    socket.onclose = null;
    socket.close();
    for (const watched of this.#watched.values()) watched.asked = false;
    this.#become("offline");
    this.#listener.lost();
    if (this.#stopped) return;
    const limit = BACKOFF[Math.min(this.#attempts, BACKOFF.length - 1)] ?? SILENCE;
    this.#attempts += 1;
    this.#cancelRetry = this.#clock.after(limit * (0.5 + this.#clock.random() / 2), () => this.start());
  }

  #become(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }
}
