// The line to the server: a token, then frames both ways over a WebSocket, else over a stream and posts. Knows when to try
// again, and nothing of what the frames mean beyond that.
import type { WidgetClientFrame, WidgetServerFrame, WidgetTokenGrant, WidgetTokenRequest } from "../../shared/schema";

export type Line = "idle" | "connecting" | "online" | "blocked";

export interface LinkOptions {
  readonly account: string;
  /** Address of the server, ending in a slash. */
  readonly server: string;
  /** What the next hello goes on with. */
  cursor(): { conversation: string; after: number };
  visitor(): { secret: string; locale: string; zone: string };
  granted(grant: WidgetTokenGrant): void;
  frame(frame: WidgetServerFrame): void;
  /** `text`: why it is blocked, in words for the customer. */
  line(line: Line, text: string): void;
}

interface Carrier {
  send(frame: WidgetClientFrame): void;
  /** Ask for everything after the cursor. */
  hello(): void;
  close(): void;
}

const BACKOFF = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
const SILENCE = 30_000;
const WATCH_EVERY = 5_000;
/** A watch this late means that the machine slept. */
const SLEPT = 15_000;
const SOCKET_AGAIN_AFTER = 300_000;
const RENEW_BEFORE = 60_000;

/** An answer other than 2xx. */
class Refused extends Error {
  readonly status: number;
  readonly wait: number | null;

  constructor(status: number, text: string, wait: number | null) {
    super(text);
    this.status = status;
    this.wait = wait;
  }
}

export class Link {
  readonly #options: LinkOptions;
  #line: Line = "idle";
  #carrier: Carrier | null = null;
  #token = "";
  #tokenEnds = 0;
  /** Rises with every try, so that what an abandoned one still does is not taken for the present one's. */
  #try = 0;
  #failures = 0;
  #noSocketSince = -Infinity;
  #heardAt = 0;
  #watchedAt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#line !== "idle") return;
    for (const event of ["online", "pageshow", "focus"]) addEventListener(event, this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#watchedAt = Date.now();
    this.#watch = setInterval(() => this.#look(), WATCH_EVERY);
    void this.#connect();
  }

  stop(): void {
    for (const event of ["online", "pageshow", "focus"]) removeEventListener(event, this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    clearInterval(this.#watch);
    if (this.#line === "online") this.#carrier?.send({ frame: "bye" });
    this.#drop();
    this.#set("idle");
  }

  /** False when there is no line; nothing is kept here. */
  send(frame: WidgetClientFrame): boolean {
    if (this.#line !== "online" || !this.#carrier) return false;
    this.#carrier.send(frame);
    return true;
  }

  /** Sends a file as something said. Null: there was no answer. */
  async upload(id: string, file: File, signal: AbortSignal, progress: (done: number) => void): Promise<WidgetServerFrame | null> {
    await this.#authorize();
    const query = new URLSearchParams({ conversation: this.#options.cursor().conversation, id, name: file.name });
    return new Promise((resolve) => {
      // `fetch` tells nothing of what has gone out.
      const request = new XMLHttpRequest();
      request.open("POST", this.#address(`api/widget/files?${query}`));
      request.setRequestHeader("Authorization", `Bearer ${this.#token}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
      request.onloadend = () => {
        if (request.status === 401) this.#token = "";
        resolve(request.response as WidgetServerFrame | null);
      };
      signal.onabort = () => request.abort();
      request.send(file);
    });
  }

  /** Catch up: something is missing. */
  again(): void {
    this.#carrier?.hello();
  }

  /** The line is up and yet does not answer. */
  restart(): void {
    if (this.#line === "idle" || this.#line === "blocked") return;
    this.#lost(this.#try);
  }

  /** The page is back: do not wait for a timer that stood still, nor trust a socket that may be dead. */
  readonly #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    if (this.#line === "connecting" && this.#retry !== undefined) void this.#connect();
    else if (this.#line === "online" && Date.now() - this.#heardAt > SLEPT) void this.#connect();
  };

  #look(): void {
    const now = Date.now();
    const slept = now - this.#watchedAt > SLEPT;
    this.#watchedAt = now;
    if (slept) this.#wake();
    else if (this.#carrier && now - this.#heardAt > SILENCE) this.#lost(this.#try);
  }

  async #connect(): Promise<void> {
    this.#drop();
    const present = this.#try;
    this.#set("connecting");
    try {
      await this.#authorize();
    } catch (error) {
      return this.#failed(present, error, isLasting);
    }
    if (present !== this.#try) return;
    this.#heardAt = Date.now();
    const socket = Date.now() - this.#noSocketSince > SOCKET_AGAIN_AFTER;
    this.#carrier = socket ? this.#socket(present) : this.#stream(present);
  }

  #drop(): void {
    this.#try += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.#renewal);
    this.#retry = undefined;
    this.#carrier?.close();
    this.#carrier = null;
  }

  #lost(present: number, wait: number | null = null): void {
    if (present !== this.#try) return;
    this.#drop();
    this.#set("connecting");
    const steps = BACKOFF[Math.min(this.#failures++, BACKOFF.length - 1)]!;
    const delay = wait === null ? steps * (0.5 + Math.random() / 2) : wait * 1_000;
    this.#retry = setTimeout(() => void this.#connect(), delay);
  }

  /** `lasting`: statuses after which a repeat will not help. */
  #failed(present: number, error: unknown, lasting: (status: number) => boolean = (status) => status === 403): void {
    if (present !== this.#try) return;
    if (!(error instanceof Refused)) return this.#lost(present);
    if (error.status === 401) this.#token = "";
    if (error.wait === null && lasting(error.status)) this.#block(error.message);
    else this.#lost(present, error.wait);
  }

  #block(text: string): void {
    this.#drop();
    this.#set("blocked", text);
  }

  #set(line: Line, text = ""): void {
    if (line === this.#line && line !== "blocked") return;
    this.#line = line;
    this.#options.line(line, text);
  }

  async #authorize(): Promise<void> {
    if (this.#token && Date.now() < this.#tokenEnds - RENEW_BEFORE) return;
    const { secret, locale, zone } = this.#options.visitor();
    const request: WidgetTokenRequest = { account: this.#options.account, secret, locale, zone };
    const answer = await fetch(this.#address("api/widget/token"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      credentials: "omit",
    });
    if (!answer.ok) throw await refusal(answer);
    const grant = (await answer.json()) as WidgetTokenGrant;
    this.#token = grant.token;
    this.#tokenEnds = Date.now() + grant.seconds * 1_000;
    this.#options.granted(grant);
  }

  #hear(present: number, frame: WidgetServerFrame): void {
    if (present !== this.#try) return;
    this.#heardAt = Date.now();
    switch (frame.frame) {
      case "ping":
        this.#carrier?.send({ frame: "pong" });
        return;
      case "welcome":
        this.#failures = 0;
        this.#renewLater(present);
        this.#set("online");
        break;
      case "refused":
        if (this.#refused(present, frame)) return;
        break;
      default:
    }
    this.#options.frame(frame);
  }

  /** Whether the refusal is about the line itself. */
  #refused(present: number, frame: Extract<WidgetServerFrame, { frame: "refused" }>): boolean {
    if (frame.code === "token") {
      this.#token = "";
      // A first time it has run out; a second time something else is wrong, and patience is needed.
      if (this.#failures) this.#lost(present, frame.wait);
      else {
        this.#failures = 1;
        void this.#connect();
      }
      return true;
    }
    if (frame.code === "origin") {
      this.#block(frame.text);
      return true;
    }
    if (frame.id === null && this.#line !== "online" && frame.code !== "unknown_conversation") {
      this.#lost(present, frame.wait);
      return true;
    }
    return false;
  }

  #renewLater(present: number): void {
    clearTimeout(this.#renewal);
    const early = Math.max(this.#tokenEnds - Date.now() - RENEW_BEFORE, WATCH_EVERY);
    this.#renewal = setTimeout(() => {
      this.#authorize().then(
        () => present === this.#try && this.#carrier?.hello(),
        (error: unknown) => this.#failed(present, error, isLasting),
      );
    }, early);
  }

  #socket(present: number): Carrier {
    const socket = new WebSocket(this.#address("ws/widget").replace(/^http/, "ws"));
    let heard = false;
    const send = (frame: WidgetClientFrame): void => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    };
    const hello = (): void => send({ frame: "hello", token: this.#token, ...this.#options.cursor() });
    socket.onopen = hello;
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      heard = true;
      for (const frame of JSON.parse(data) as WidgetServerFrame[]) this.#hear(present, frame);
    };
    socket.onclose = () => {
      if (present !== this.#try) return;
      if (heard || !navigator.onLine) return this.#lost(present);
      // Nothing ever came through: something between here and there forbids sockets.
      this.#noSocketSince = Date.now();
      void this.#connect();
    };
    return { send, hello, close: () => socket.close() };
  }

  #stream(present: number): Carrier {
    let abort = new AbortController();
    let heard = false;
    const hear = (frame: WidgetServerFrame): void => {
      heard = true;
      this.#hear(present, frame);
    };
    const headers = (): Record<string, string> => ({ Authorization: `Bearer ${this.#token}` });
    const conversation = (): string => new URLSearchParams({ conversation: this.#options.cursor().conversation }).toString();
    const failed = (error: unknown): void => {
      if (present !== this.#try) return;
      // Neither carrier came through: it is the server that is away, and no reason to do without sockets.
      if (!heard) this.#noSocketSince = -Infinity;
      this.#failed(present, error);
    };
    const hello = (): void => {
      abort.abort();
      abort = new AbortController();
      const address = `api/widget/stream?${conversation()}&after=${this.#options.cursor().after}`;
      const { signal } = abort;
      this.#read(address, headers(), signal, hear).then(
        () => signal.aborted || this.#lost(present),
        (error: unknown) => signal.aborted || failed(error),
      );
    };
    const send = (frame: WidgetClientFrame): void => {
      if (frame.frame === "pong") return;
      fetch(this.#address(`api/widget/frames?${conversation()}`), {
        method: "POST",
        headers: { ...headers(), "Content-Type": "application/json" },
        body: JSON.stringify(frame),
        credentials: "omit",
        keepalive: frame.frame === "bye",
      })
        .then(async (answer) => {
          const told = await body(answer);
          if (told?.frame) hear(told);
          else if (!answer.ok) throw await refusal(answer);
        })
        .catch(failed);
    };
    hello();
    return { send, hello, close: () => abort.abort() };
  }

  /** Server-sent events, read by hand because an EventSource sends no header. A comment line is a sign of life. */
  async #read(
    address: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    hear: (frame: WidgetServerFrame) => void,
  ): Promise<void> {
    const answer = await fetch(this.#address(address), { headers, signal, credentials: "omit", cache: "no-store" });
    if (!answer.ok || !answer.body) {
      const told = await body(answer);
      if (told?.frame) return hear(told);
      throw await refusal(answer);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#heardAt = Date.now();
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("data:")) hear(JSON.parse(line.slice(5)) as WidgetServerFrame);
      }
    }
  }

  #address(path: string): string {
    return new URL(path, this.#options.server).href;
  }
}

async function body(answer: Response): Promise<WidgetServerFrame | null> {
  return answer
    .clone()
    .json()
    .catch(() => null) as Promise<WidgetServerFrame | null>;
}

async function refusal(answer: Response): Promise<Refused> {
  const told = (await answer.json().catch(() => ({}))) as { text?: string; wait?: number | null };
  return new Refused(answer.status, told.text ?? "", told.wait ?? (Number(answer.headers.get("Retry-After")) || null));
}

/** Of a request for a token: a wrong account or origin stays wrong. */
function isLasting(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 408, 429].includes(status);
}
