// The conversation as the views see it: state, line, outbox and memory put together.
import type { WidgetClientFrame, WidgetEvent, WidgetFormView, WidgetOptionView, WidgetServerFrame } from "../../shared/schema";
import { Link, type Line } from "./link";
import type { Memory } from "./memory";
import { type Values, filled } from "./parts/Form";
import { type Outbox, type Unsent, uuid } from "./outbox";
import * as store from "./store";
import type { State } from "./store";

/** What is worth telling a listener who does not look: the screen reader, the page. */
export type Told =
  | { told: "news"; events: readonly WidgetEvent[] }
  | { told: "sent" }
  | { told: "failed"; why: string }
  | { told: "back" };

export interface ChatOptions {
  readonly account: string;
  readonly server: string;
  readonly memory: Memory;
  readonly outbox: Outbox;
  language(): string;
  tell(told: Told): void;
}

const TYPING_EVERY = 3_000;
/** So long an answer is expected without any sign of it. */
const PATIENCE = 60_000;
const UPLOAD_AGAIN = 5_000;
/** After this long without an acknowledgement the line is taken for dead. */
const ACKNOWLEDGED_WITHIN = 15_000;

export class Chat {
  state: State = store.EMPTY;
  line: Line = "idle";
  /** Why it is blocked. */
  reason = "";
  seen: number;

  readonly #options: ChatOptions;
  readonly #link: Link;
  readonly #listeners = new Set<() => void>();
  readonly #unwatch: () => void;
  #scheduled = false;
  #asked = false;
  #asking = false;
  #wasOnline = false;
  #inFlight = "";
  #overdue: ReturnType<typeof setTimeout> | undefined;
  #flushAt = 0;
  #flushing: ReturnType<typeof setTimeout> | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #asks: ReturnType<typeof setTimeout> | undefined;
  #typedAt = 0;
  #uploading: { id: string; abort: AbortController } | undefined;
  #uploads: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    const kept = options.memory.read();
    this.seen = kept.seen ?? 0;
    for (const item of options.outbox.items) this.state = store.mine(this.state, shown(item));
    this.#link = new Link({
      account: options.account,
      server: options.server,
      cursor: () => ({ conversation: this.state.conversation, after: this.state.seq }),
      visitor: () => ({ secret: options.memory.read().secret ?? "", locale: options.language(), zone: new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "" }),
      granted: ({ secret, greeting }) => {
        if (secret) options.memory.write({ secret });
        if (!this.state.greeting) this.#become({ ...this.state, greeting });
      },
      frame: (frame) => this.#hear(frame),
      line: (line, reason) => this.#lined(line, reason),
    });
    if (kept.conversation) this.state = { ...this.state, conversation: kept.conversation };
    this.#unwatch = options.memory.watch(() => this.#seenElsewhere());
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#link.start();
  }

  stop(): void {
    this.#unwatch();
    this.#link.stop();
    this.#uploading?.abort.abort();
    for (const timer of [this.#overdue, this.#flushing, this.#expiry, this.#asks, this.#uploads]) clearTimeout(timer);
    this.#listeners.clear();
  }

  get server(): string {
    return this.#options.server;
  }

  get unread(): number {
    return store.unread(this.state, this.seen);
  }

  /** False when too much waits already. */
  say(text: string): boolean {
    return this.#enqueue(text, "");
  }

  /** One file after another; what is not taken up in this page's life is gone with it. */
  attach(file: File): void {
    const item: store.Mine = { id: uuid(), at: Date.now(), text: "", token: "", after: this.state.seq, state: "sending", why: "", file, done: 0 };
    this.#become(store.mine(this.state, item));
    void this.#upload();
  }

  press(option: WidgetOptionView): boolean {
    return this.#enqueue(option.label, option.token);
  }

  submit(form: WidgetFormView, values: Values): boolean {
    const { [form.token]: _, ...wrong } = this.state.wrong;
    this.#become({ ...this.state, wrong });
    return this.#enqueue(filled(form, values), form.token, values);
  }

  retry(id: string): void {
    const item = this.state.mine.find((each) => each.id === id);
    this.discard(id);
    if (item?.file) this.attach(item.file);
    else if (item) this.#enqueue(item.text, item.token, item.values);
  }

  discard(id: string): void {
    if (this.#uploading?.id === id) this.#uploading.abort.abort();
    this.#options.outbox.remove(id);
    this.#become(store.disown(this.state, id));
  }

  stopDraft(): void {
    this.#link.send({ frame: "stop" });
  }

  older(): void {
    const first = this.state.events[0];
    if (!first || this.#asking) return;
    this.#asking = this.#link.send({ frame: "older", before: first.seq });
  }

  typing(): void {
    if (Date.now() - this.#typedAt < TYPING_EVERY) return;
    if (this.#link.send({ frame: "typing" })) this.#typedAt = Date.now();
  }

  /** The customer has seen everything up to `seq`. */
  read(seq: number): void {
    if (seq <= this.seen) return;
    this.seen = seq;
    this.#link.send({ frame: "read", seq });
    this.#remember();
    this.#changed();
  }

  /** Leaves this conversation behind. */
  anew(): void {
    this.seen = 0;
    this.#become({ ...store.EMPTY, greeting: this.state.greeting, mine: this.state.mine });
    this.#options.memory.write({ conversation: undefined, seen: undefined, unread: undefined });
    this.#link.again();
  }

  async #upload(): Promise<void> {
    clearTimeout(this.#uploads);
    const { id, file } = this.state.mine.find((item) => item.file && item.state === "sending") ?? {};
    if (!id || !file || this.#uploading || this.line !== "online") return;
    const { signal } = (this.#uploading = { id, abort: new AbortController() }).abort;
    const told = (done: number): void => this.#become(store.own(this.state, id, { done }));
    const answer = await this.#link.upload(id, file, signal, told).catch(() => null);
    this.#uploading = undefined;
    if (answer?.frame === "ack") {
      this.#become(store.own(this.state, id, { state: "sent" }));
      this.#options.tell({ told: "sent" });
      this.#expect();
    } else if (answer?.frame === "refused" && answer.wait === null && answer.code !== "token") {
      this.#become(store.own(this.state, id, { state: "failed", why: answer.text }));
      this.#options.tell({ told: "failed", why: answer.text });
    } else if (!signal.aborted) {
      const wait = answer?.frame === "refused" ? (answer.wait ?? 0) * 1_000 : UPLOAD_AGAIN;
      this.#uploads = setTimeout(() => void this.#upload(), wait);
      return;
    }
    void this.#upload();
  }

  #enqueue(text: string, token: string, values?: Readonly<Values>): boolean {
    const { outbox } = this.#options;
    const item: Unsent = { id: uuid(), at: Date.now(), text, token, values, after: this.state.seq, refused: "" };
    if (!outbox.add(item)) return false;
    this.#become(store.mine(this.state, shown(item)));
    if (this.line === "online") this.#expect();
    this.#flush();
    return true;
  }

  /** One message in the air at a time: what follows a refused one must not overtake it. */
  #flush(): void {
    clearTimeout(this.#flushing);
    const item = this.#options.outbox.head;
    if (!item || this.#inFlight || this.line !== "online") return;
    const wait = this.#flushAt - Date.now();
    if (wait > 0) {
      this.#flushing = setTimeout(() => this.#flush(), wait);
      return;
    }
    const { id } = item;
    const frame = frameOf(item);
    this.#inFlight = id;
    this.#overdue = setTimeout(() => this.#link.restart(), ACKNOWLEDGED_WITHIN);
    if (!this.#link.send(frame)) this.#landed(id);
  }

  #landed(id: string): void {
    if (id !== this.#inFlight) return;
    clearTimeout(this.#overdue);
    this.#inFlight = "";
  }

  #hear(frame: WidgetServerFrame): void {
    if (frame.frame === "refused") return this.#refused(frame);
    if (frame.frame === "older") this.#asking = false;
    if (frame.frame === "welcome") {
      this.#asked = this.#asking = false;
      this.#landed(this.#inFlight);
    }
    const before = this.state;
    const { state, again, news } = store.receive(before, frame, Date.now());
    this.#become(state);
    if (frame.frame === "ack") this.#acknowledged(frame.id);
    for (const item of this.#options.outbox.items) {
      // An event may come before its own acknowledgement, or instead of it after a cut.
      const held = before.mine.some((each) => each.id === item.id);
      if (held && !state.mine.some((each) => each.id === item.id)) this.#acknowledged(item.id);
    }
    if (again && !this.#asked) {
      this.#asked = true;
      this.#link.again();
    }
    if (news.length) this.#options.tell({ told: "news", events: news });
    this.#remember();
    if (frame.frame === "welcome") {
      this.#flush();
      void this.#upload();
    }
  }

  #acknowledged(id: string): void {
    const { outbox } = this.#options;
    if (outbox.items.some((item) => item.id === id)) {
      outbox.remove(id);
      this.#options.tell({ told: "sent" });
      this.#expect();
    }
    this.#landed(id);
    this.#flush();
  }

  #refused(frame: Extract<WidgetServerFrame, { frame: "refused" }>): void {
    if (frame.code === "unknown_conversation") {
      this.anew();
      return;
    }
    if (!frame.id) {
      this.#asking = false;
      // It was the hello of a catch-up; what is missing is still missing.
      if (this.#asked) this.#asks = setTimeout(() => this.#link.again(), (frame.wait ?? 1) * 1_000);
      return;
    }
    this.#landed(frame.id);
    if (frame.code === "invalid") {
      this.#options.outbox.remove(frame.id);
      this.#become(store.correct(this.state, frame.id, frame.errors ?? {}));
      this.#options.tell({ told: "failed", why: frame.text });
    } else if (frame.wait !== null) {
      this.#flushAt = Date.now() + frame.wait * 1_000;
    } else {
      this.#options.outbox.refuse(frame.id, frame.text);
      this.#become({ ...store.own(this.state, frame.id, { state: "failed", why: frame.text }), replying: 0 });
      this.#options.tell({ told: "failed", why: frame.text });
    }
    this.#flush();
  }

  #lined(line: Line, reason: string): void {
    this.line = line;
    this.reason = reason;
    if (line === "online") {
      if (this.#wasOnline) this.#options.tell({ told: "back" });
      this.#wasOnline = true;
    } else {
      this.#landed(this.#inFlight);
      this.#become({ ...this.state, typing: null, replying: 0 });
    }
    this.#changed();
  }

  /** The bot owes an answer: shown at once, so that silence is never taken for loss. */
  #expect(): void {
    const { control, draft, events, mine } = this.state;
    const last = events.at(-1);
    const owes = mine.some((item) => item.state !== "failed") || !last || !store.isNews(last);
    if (owes && control?.state === "bot" && !draft) this.#become({ ...this.state, replying: Date.now() + PATIENCE });
  }

  #seenElsewhere(): void {
    const { conversation, seen = 0 } = this.#options.memory.read();
    if (conversation !== this.state.conversation || seen <= this.seen) return;
    this.seen = seen;
    this.#changed();
  }

  #remember(): void {
    const { conversation, seq, mine } = this.state;
    if (!conversation || (!seq && !mine.length)) return;
    const { memory } = this.#options;
    const kept = memory.read();
    const { seen, unread } = this;
    if (kept.conversation !== conversation || kept.seen !== seen || kept.unread !== unread) {
      memory.write({ conversation, seen, unread });
    }
  }

  #become(state: State): void {
    this.state = state;
    clearTimeout(this.#expiry);
    const ends = [state.typing?.until ?? 0, state.replying].filter(Boolean);
    if (ends.length) this.#expiry = setTimeout(() => this.#expire(), Math.max(Math.min(...ends) - Date.now(), 0));
    this.#changed();
  }

  #expire(): void {
    const now = Date.now();
    const { typing, replying } = this.state;
    this.#become({
      ...this.state,
      typing: typing && typing.until > now ? typing : null,
      replying: replying > now ? replying : 0,
    });
  }

  /** At most once per frame on the screen, however many frames of ours came. */
  #changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

function frameOf({ id, text, token, values }: Unsent): WidgetClientFrame {
  if (values) return { frame: "submit", id, token, values };
  return token ? { frame: "press", id, token, label: text } : { frame: "say", id, text };
}

function shown(item: Unsent): store.Mine {
  const { id, at, text, token, values, after, refused } = item;
  return { id, at, text, token, values, after, state: refused ? "failed" : "sending", why: refused };
}
