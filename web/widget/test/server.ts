// A server in memory: a log, the frames it was sent, and sockets or streams that can be cut. Time is the test's.
import { vi } from "vitest";
import type { WidgetClientFrame, WidgetEvent, WidgetServerFrame } from "../../shared/schema";
import { CUSTOMER, GREETING, at, said, welcome } from "./frames";

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
    queueMicrotask(() => (server.forbidsSockets || server.isDown ? this.end() : this.#begin()));
  }

  send(frame: string): void {
    this.#server.hear(JSON.parse(frame) as WidgetClientFrame, (answer) => this.tell(answer));
  }

  tell(frame: WidgetServerFrame): void {
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify([frame]) });
  }

  close(): void {
    this.readyState = 3;
    this.#server.sockets.delete(this);
  }

  end(): void {
    this.close();
    this.onclose?.();
  }

  #begin(): void {
    this.readyState = 1;
    this.#server.sockets.add(this);
    this.onopen?.();
  }
}

/** An upload on its way: a test lets it come on, answers it, or cuts it. */
export class FakeUpload {
  status = 0;
  response: unknown = null;
  address = new URL("https://nowhere.example");
  bearer = "";
  body: File | undefined;
  isOver = false;
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null } = { onprogress: null };
  onloadend: (() => void) | null = null;

  constructor(server: FakeServer) {
    server.uploads.push(this);
  }

  open(_method: string, address: string): void {
    this.address = new URL(address);
  }

  setRequestHeader(name: string, value: string): void {
    if (name === "Authorization") this.bearer = value;
  }

  send(body: File): void {
    this.body = body;
  }

  comes(done: number): void {
    this.upload.onprogress?.({ loaded: done * 100, total: 100 });
  }

  ends(status: number, response: unknown): void {
    this.isOver = true;
    this.status = status;
    this.response = response;
    this.onloadend?.();
  }

  abort(): void {
    this.ends(0, null);
  }
}

export class FakeServer {
  readonly uploads: FakeUpload[] = [];
  log: WidgetEvent[] = [];
  heard: WidgetClientFrame[] = [];
  /** Paths and bearers of requests, in order. */
  asked: { path: string; bearer: string }[] = [];
  readonly sockets = new Set<FakeSocket>();
  isDown = false;
  forbidsSockets = false;
  /** Answers nothing, not even pings. */
  isSilent = false;
  /** What it refuses instead of taking it. */
  refuses: ((frame: WidgetClientFrame) => WidgetServerFrame | null) | null = null;
  conversation = "c1";
  tokens = 0;
  readonly #streams = new Set<(text: string | null) => void>();
  readonly #acks = new Map<string, number>();

  install(): this {
    const make = (): FakeSocket => new FakeSocket(this);
    vi.stubGlobal(
      "WebSocket",
      Object.assign(
        function Socket() {
          return make();
        },
        { OPEN: 1 },
      ),
    );
    const upload = (): FakeUpload => new FakeUpload(this);
    vi.stubGlobal("XMLHttpRequest", function Upload() {
      return upload();
    });
    vi.stubGlobal("fetch", (address: string, init?: RequestInit) => this.#answer(new URL(address), init));
    return this;
  }

  get seq(): number {
    return this.log.at(-1)?.seq ?? 0;
  }

  /** Appends to the log and tells every reader. Seqs may jump: what is not for customers stands between. */
  add(event: WidgetEvent): void {
    const prev = this.seq;
    this.log.push(event);
    this.tell({ frame: "event", seq: event.seq, prev, event });
  }

  tell(frame: WidgetServerFrame): void {
    if (this.isSilent) return;
    for (const socket of this.sockets) socket.tell(frame);
    for (const put of this.#streams) put(`data: ${JSON.stringify(frame)}\n\n`);
  }

  cut(): void {
    for (const socket of [...this.sockets]) socket.end();
    for (const put of [...this.#streams]) put(null);
  }

  frames<Name extends WidgetClientFrame["frame"]>(name: Name): Extract<WidgetClientFrame, { frame: Name }>[] {
    return this.heard.filter((frame) => frame.frame === name) as Extract<WidgetClientFrame, { frame: Name }>[];
  }

  hear(frame: WidgetClientFrame, answer: (frame: WidgetServerFrame) => void): void {
    this.heard.push(frame);
    if (this.isSilent) return;
    const refused = this.refuses?.(frame);
    if (refused) return answer(refused);
    if (frame.frame === "hello") answer(this.welcome(frame.after ?? 0));
    if (frame.frame === "say" || frame.frame === "press" || frame.frame === "submit") this.#take(frame, answer);
  }

  welcome(after: number): WidgetServerFrame {
    const events = this.log.filter((event) => event.seq > after);
    return welcome(events, { seq: this.seq, conversation: this.conversation });
  }

  #take(frame: Extract<WidgetClientFrame, { frame: "say" | "press" | "submit" }>, answer: (frame: WidgetServerFrame) => void): void {
    const first = this.#acks.get(frame.id);
    const seq = first ?? this.seq + 1;
    if (first === undefined) {
      this.#acks.set(frame.id, seq);
      if (frame.frame === "say") this.add(said(seq, frame.text, { by: CUSTOMER, ref: frame.id }));
      else if (frame.frame === "submit") {
        this.add({ kind: "submitted", seq, at: at(seq), token: frame.token, values: frame.values, ref: frame.id });
      } else this.add({ kind: "pressed", seq, at: at(seq), token: frame.token, label: frame.label ?? "", ref: frame.id });
    }
    answer({ frame: "ack", id: frame.id, seq });
  }

  async #answer(address: URL, init: RequestInit = {}): Promise<Response> {
    const bearer = new Headers(init.headers).get("Authorization")?.slice(7) ?? "";
    this.asked.push({ path: address.pathname + address.search, bearer });
    if (this.isDown) throw new TypeError("no network");
    if (address.pathname.endsWith("/token")) {
      return Response.json({ token: `token-${++this.tokens}`, seconds: 3_600, greeting: GREETING, secret: "s".repeat(43) });
    }
    if (address.pathname.endsWith("/stream")) return this.#stream(Number(address.searchParams.get("after")), init.signal);
    let told: WidgetServerFrame | undefined;
    this.hear(JSON.parse(String(init.body)) as WidgetClientFrame, (frame) => (told = frame));
    return told ? Response.json(told) : new Response(null, { status: 204 });
  }

  #stream(after: number, signal?: AbortSignal | null): Response {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const put = (text: string | null): void => {
          if (text !== null) return controller.enqueue(encoder.encode(text));
          this.#streams.delete(put);
          controller.close();
        };
        this.#streams.add(put);
        signal?.addEventListener("abort", () => this.#streams.delete(put));
        put(`data: ${JSON.stringify(this.welcome(after))}\n\n`);
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}
