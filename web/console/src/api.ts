/** HTTP to the server. Every refusal is a `Refusal` with the server's problem; a broken line is an `Unreachable`. */

import type { Counts, Detail, Done, Events, How, Identities, Me, People, Problem, Rows, Uploaded, Verdict, View } from "./wire";

export class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.text || problem.title);
    this.problem = problem;
  }
}

/** No answer, or none of ours: the same request may be made again under the same key. */
export class Unreachable extends Error {}

export interface Reply {
  text: string;
  seen: number;
  epoch: number;
  claim: boolean;
  /** Uploaded before. */
  files?: readonly { ref: string; name: string }[];
}

type Fetch = (address: string, init: RequestInit) => Promise<Response>;

export class Api {
  readonly #fetch: Fetch;
  #known: Me | null = null;

  constructor(send: Fetch = (address, init) => fetch(address, init)) {
    this.#fetch = send;
  }

  async me(): Promise<Me> {
    this.#known = await this.#read<Me>("/me");
    return this.#known;
  }

  async signIn(email: string, password: string): Promise<Me> {
    this.#known = await this.#send<Me>("/sign-in", { email, password }, crypto.randomUUID());
    return this.#known;
  }

  signOut(): Promise<void> {
    return this.#write("/sign-out", {}, crypto.randomUUID());
  }

  counts(): Promise<Counts> {
    return this.#read("/views");
  }

  rows(view: View, search: string, cursor: string | null): Promise<Rows> {
    const query = new URLSearchParams({ view });
    if (search) query.set("q", search);
    if (cursor) query.set("cursor", cursor);
    return this.#read(`/conversations?${query}`);
  }

  detail(id: string): Promise<Detail> {
    return this.#read(`/conversations/${encodeURIComponent(id)}`);
  }

  events(id: string, range: { after: number } | { before: number }): Promise<Events> {
    const query = "after" in range ? `after=${range.after}` : `before=${range.before}`;
    return this.#read(`/conversations/${encodeURIComponent(id)}/events?${query}`);
  }

  takeOver(id: string, epoch: number, key: string): Promise<Done> {
    return this.#act(id, "take-over", { epoch }, key);
  }

  reply(id: string, reply: Reply, key: string): Promise<Done> {
    return this.#act(id, "reply", reply, key);
  }

  revise(id: string, seq: number, text: string, key: string): Promise<Done> {
    return this.#act(id, `messages/${seq}/revise`, { text }, key);
  }

  withdraw(id: string, seq: number, key: string): Promise<Done> {
    return this.#act(id, `messages/${seq}/withdraw`, {}, key);
  }

  note(id: string, text: string, key: string): Promise<Done> {
    return this.#act(id, "note", { text }, key);
  }

  handBack(id: string, epoch: number, how: How, instruction: string, verdict: Verdict, key: string): Promise<Done> {
    return this.#act(id, "hand-back", { epoch, how, instruction, verdict }, key);
  }

  resolve(id: string, epoch: number, reason: string, key: string): Promise<Done> {
    return this.#act(id, "resolve", { epoch, reason }, key);
  }

  /** Keeps a file that is to go with a reply. */
  upload(id: string, file: File, signal: AbortSignal): Promise<Uploaded> {
    const headers = { accept: "application/json", "content-type": "application/octet-stream", ...this.#token() };
    const path = `/conversations/${encodeURIComponent(id)}/files?name=${encodeURIComponent(file.name.slice(-255))}`;
    return this.#ask(path, { method: "POST", headers, body: file, signal });
  }

  /** Where the file of a part is: for a browser to draw, play or save. */
  fileAddress(id: string, seq: number, part: number): string {
    return `/api/console/conversations/${encodeURIComponent(id)}/files/${seq}/${part}`;
  }

  /** The status under which it is to be had; 0: no answer. */
  async fileStatus(address: string): Promise<number> {
    try {
      const answer = await this.#fetch(address, { method: "GET", credentials: "same-origin" });
      void answer.body?.cancel();
      return answer.status;
    } catch {
      return 0;
    }
  }

  identities(id: string): Promise<Identities> {
    return this.#read(`/conversations/${encodeURIComponent(id)}/identities`);
  }

  people(search: string): Promise<People> {
    return this.#read(`/contacts?${new URLSearchParams({ q: search })}`);
  }

  /** The other contact is this one from now on. */
  merge(contact: string, other: string): Promise<Identities> {
    return this.#write(`/contacts/${encodeURIComponent(contact)}/merge`, { contact: other }, crypto.randomUUID());
  }

  unmerge(channel: string, external: string): Promise<Identities> {
    return this.#write("/contacts/unmerge", { channel, external }, crypto.randomUUID());
  }

  #act(id: string, name: string, body: unknown, key: string): Promise<Done> {
    return this.#write(`/conversations/${encodeURIComponent(id)}/${name}`, body, key);
  }

  #read<T>(path: string): Promise<T> {
    return this.#ask(path, { method: "GET", headers: { accept: "application/json" } });
  }

  /** A sign-in in another tab has brought a new token: as the same agent, the request is made again with it. */
  async #write<T>(path: string, body: unknown, key: string): Promise<T> {
    const before = this.#known;
    try {
      return await this.#send<T>(path, body, key);
    } catch (error) {
      if (!(error instanceof Refusal) || error.problem.code !== "csrf" || !before) throw error;
      const now = await this.me();
      if (now.id !== before.id || now.csrf === before.csrf) throw error;
      return this.#send<T>(path, body, key);
    }
  }

  #send<T>(path: string, body: unknown, key: string): Promise<T> {
    const headers: Record<string, string> = {
      accept: "application/json",
      "content-type": "application/json",
      "idempotency-key": key,
    };
    return this.#ask(path, { method: "POST", headers: { ...headers, ...this.#token() }, body: JSON.stringify(body) });
  }

  #token(): Record<string, string> {
    return this.#known ? { "x-csrf-token": this.#known.csrf } : {};
  }

  async #ask<T>(path: string, init: RequestInit): Promise<T> {
    let answer: Response;
    try {
      answer = await this.#fetch(`/api/console${path}`, { ...init, credentials: "same-origin" });
    } catch (error) {
      throw new Unreachable("no answer", { cause: error });
    }
    if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
    if (!answer.headers.get("content-type")?.startsWith("application/problem+json")) {
      throw new Unreachable(`status ${answer.status}`);
    }
    const problem = (await answer.json()) as Problem;
    if (problem.code === "unavailable") throw new Unreachable(problem.text, { cause: new Refusal(problem) });
    throw new Refusal(problem);
  }
}
