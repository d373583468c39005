/**
 * Text that was written and not yet sent, per conversation and kind, kept by the browser.
 *
 * Text under way is kept too until the server has it: what was not confirmed comes back as unsent text.
 */

import type { Kind } from "./floor";

interface Kept {
  text: string;
  underWay: Map<string, string>;
}

const join = (texts: readonly string[]): string => texts.filter((text) => text !== "").join("\n\n");

export class Unsent {
  readonly #storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  readonly #prefix: string;
  readonly #kept = new Map<string, Kept>();
  readonly #listeners = new Set<() => void>();

  constructor(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null, agent: string) {
    this.#storage = storage;
    this.#prefix = `frontdesk.unsent.${agent}.`;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  text(conversation: string, kind: Kind): string {
    return this.#get(conversation, kind).text;
  }

  has(conversation: string): boolean {
    return this.text(conversation, "reply").trim() !== "" || this.text(conversation, "note").trim() !== "";
  }

  write(conversation: string, kind: Kind, text: string): void {
    this.#get(conversation, kind).text = text;
    this.#changed(conversation, kind);
  }

  /** Adds a text below what is there. */
  append(conversation: string, kind: Kind, text: string): void {
    this.write(conversation, kind, join([this.text(conversation, kind), text]));
  }

  /** The text goes on its way under `key`. */
  lift(conversation: string, kind: Kind, key: string): string {
    const kept = this.#get(conversation, kind);
    const { text } = kept;
    kept.underWay.set(key, text);
    kept.text = "";
    this.#changed(conversation, kind);
    return text;
  }

  /** It arrived. */
  settle(conversation: string, kind: Kind, key: string): void {
    if (this.#get(conversation, kind).underWay.delete(key)) this.#changed(conversation, kind);
  }

  /** It was refused: before anything written since. */
  giveBack(conversation: string, kind: Kind, key: string): void {
    const kept = this.#get(conversation, kind);
    const text = kept.underWay.get(key);
    if (text === undefined) return;
    kept.underWay.delete(key);
    kept.text = join([text, kept.text]);
    this.#changed(conversation, kind);
  }

  #get(conversation: string, kind: Kind): Kept {
    const name = this.#name(conversation, kind);
    let kept = this.#kept.get(name);
    if (!kept) {
      kept = { text: this.#read(name), underWay: new Map() };
      this.#kept.set(name, kept);
    }
    return kept;
  }

  #name(conversation: string, kind: Kind): string {
    return `${this.#prefix}${conversation}.${kind}`;
  }

  #read(name: string): string {
    try {
      return this.#storage?.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  #changed(conversation: string, kind: Kind): void {
    const name = this.#name(conversation, kind);
    const kept = this.#get(conversation, kind);
    const text = join([...kept.underWay.values(), kept.text]);
    try {
      if (text) this.#storage?.setItem(name, text);
      else this.#storage?.removeItem(name);
    } catch {
      // Storage denied or full: the text lives as long as the page.
    }
    for (const listener of this.#listeners) listener();
  }
}
