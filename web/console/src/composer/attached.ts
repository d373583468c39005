/**
 * Files that are to go with the next reply, per conversation: uploaded as soon as they are chosen, so that sending does
 * not wait for them. They live as long as the page.
 */

import { type Api, Refusal } from "../api";
import type { Uploaded } from "../wire";

export const MOST_BYTES = 20 * 1024 * 1024;
export const MOST_FILES = 10;

export interface Attachment {
  id: string;
  name: string;
  size: number;
  /** large: it was never sent. lost: the line broke. refused: `why` says it in the server's words. */
  state: "uploading" | "ready" | "large" | "lost" | "refused";
  why: string;
  uploaded: Uploaded | null;
}

interface Held extends Attachment {
  abort: AbortController;
}

const NOTHING: readonly Attachment[] = [];

export class Attached {
  readonly #api: Pick<Api, "upload">;
  readonly #held = new Map<string, readonly Held[]>();
  readonly #listeners = new Set<() => void>();

  constructor(api: Pick<Api, "upload">) {
    this.#api = api;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  list(conversation: string): readonly Attachment[] {
    return this.#held.get(conversation) ?? NOTHING;
  }

  add(conversation: string, files: Iterable<File>): void {
    const room = MOST_FILES - this.list(conversation).length;
    for (const file of [...files].slice(0, room)) {
      const held: Held = {
        id: crypto.randomUUID(),
        name: file.name,
        size: file.size,
        state: file.size > MOST_BYTES ? "large" : "uploading",
        why: "",
        uploaded: null,
        abort: new AbortController(),
      };
      this.#change(conversation, (all) => [...all, held]);
      if (held.state === "uploading") void this.#upload(conversation, held, file);
    }
  }

  remove(conversation: string, id: string): void {
    this.#held.get(conversation)?.find((one) => one.id === id)?.abort.abort();
    this.#change(conversation, (all) => all.filter((one) => one.id !== id));
  }

  /** Whether all of them are there, once nothing is on its way any more. */
  async areReady(conversation: string): Promise<boolean> {
    while (this.list(conversation).some((one) => one.state === "uploading")) {
      await new Promise<void>((resolve) => {
        const stop = this.subscribe(() => {
          stop();
          resolve();
        });
      });
    }
    return this.list(conversation).every((one) => one.state === "ready");
  }

  /** What is ready goes on its way. */
  lift(conversation: string): readonly Uploaded[] {
    const ready = this.list(conversation).flatMap((one) => one.uploaded ?? []);
    this.#change(conversation, (all) => all.filter((one) => !one.uploaded));
    return ready;
  }

  /** It was refused: before anything attached since. */
  giveBack(conversation: string, files: readonly Uploaded[]): void {
    const again = files.map((file): Held => {
      const { name, size } = file;
      return { id: crypto.randomUUID(), name, size, state: "ready", why: "", uploaded: file, abort: new AbortController() };
    });
    this.#change(conversation, (all) => [...again, ...all]);
  }

  async #upload(conversation: string, held: Held, file: File): Promise<void> {
    try {
      const uploaded = await this.#api.upload(conversation, file, held.abort.signal);
      this.#settle(conversation, held.id, { state: "ready", uploaded, name: uploaded.name });
    } catch (error) {
      if (held.abort.signal.aborted) return;
      const refused = error instanceof Refusal;
      this.#settle(conversation, held.id, { state: refused ? "refused" : "lost", why: refused ? error.message : "" });
    }
  }

  #settle(conversation: string, id: string, how: Partial<Attachment>): void {
    this.#change(conversation, (all) => all.map((one) => (one.id === id ? { ...one, ...how } : one)));
  }

  #change(conversation: string, change: (all: readonly Held[]) => readonly Held[]): void {
    this.#held.set(conversation, change(this.#held.get(conversation) ?? []));
    for (const listener of this.#listeners) listener();
  }
}
