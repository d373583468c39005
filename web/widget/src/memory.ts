// What this browser keeps of the visitor, per account. Works for the visit when storage is denied.

export interface Kept {
  /** The visitor's secret: who holds it is the visitor. */
  secret?: string;
  /** The conversation to go on with; set once something was said in it. */
  conversation?: string;
  /** Highest seq the customer has seen of it. */
  seen?: number;
  /** For the launcher, which draws its badge before anything is asked of the server. */
  unread?: number;
}

export class Memory {
  readonly #key: string;
  #kept: Kept = {};

  constructor(account: string) {
    this.#key = `frontdesk:${account}`;
  }

  read(): Kept {
    try {
      const stored = localStorage.getItem(this.#key);
      if (stored) this.#kept = JSON.parse(stored) as Kept;
    } catch {
      // Denied, or not ours: what is in memory counts.
    }
    return this.#kept;
  }

  /** Changes only what is named: another tab may have changed the rest. */
  write(change: { [Name in keyof Kept]: Kept[Name] | undefined }): void {
    this.#kept = JSON.parse(JSON.stringify({ ...this.read(), ...change })) as Kept;
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // Denied or full.
    }
  }

  /** Whether the panel stands open in this tab: it goes on doing so on the next page. */
  get leftOpen(): boolean {
    try {
      return sessionStorage.getItem(this.#key) === "open";
    } catch {
      return false;
    }
  }

  set leftOpen(open: boolean) {
    try {
      sessionStorage.setItem(this.#key, open ? "open" : "");
    } catch {
      // Denied: it opens closed.
    }
  }

  /** Calls `changed` when another tab wrote; returns how to stop. */
  watch(changed: () => void): () => void {
    const listen = (event: StorageEvent): void => {
      if (event.key === this.#key) changed();
    };
    addEventListener("storage", listen);
    return () => removeEventListener("storage", listen);
  }
}
