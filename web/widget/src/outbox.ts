// What the customer said and the server has not acknowledged: kept over a reload, in order, for a day.

export interface Unsent {
  /** The message's id on the wire; a repeat with it is harmless. */
  id: string;
  /** Milliseconds since 1970; rises from item to item, so that it is also the order. */
  at: number;
  /** The words, the label of what was pressed, or what was filled in. */
  text: string;
  /** Of an option or a form; empty for words. */
  token: string;
  /** Of a form. */
  values?: Readonly<Record<string, string>> | undefined;
  /** Seq of the event it followed. */
  after: number;
  /** Why the server refused it for good; empty while it may still be sent. */
  refused: string;
}

const MOST = 50;
const KEPT_FOR = 24 * 3_600_000;

/** Where the items lie: a browser denies one or another kind. */
export interface Shelf {
  all(): Promise<Unsent[]>;
  put(item: Unsent): void;
  remove(id: string): void;
}

export class Outbox {
  readonly #shelf: Shelf;
  #items: Unsent[] = [];

  private constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  static async open(account: string, shelf?: Shelf): Promise<Outbox> {
    const outbox = new Outbox(shelf ?? (await database(account)) ?? local(account));
    const stored = await outbox.#shelf.all().catch(() => []);
    const fresh = stored.filter((item) => item.at > Date.now() - KEPT_FOR);
    outbox.#items = fresh.sort((one, other) => one.at - other.at);
    for (const item of stored) if (!fresh.includes(item)) outbox.#shelf.remove(item.id);
    return outbox;
  }

  get items(): readonly Unsent[] {
    return this.#items;
  }

  /** The oldest item that may be sent. */
  get head(): Unsent | undefined {
    return this.#items.find((item) => !item.refused);
  }

  /** False when it is full: nothing is dropped in silence. */
  add(item: Unsent): boolean {
    if (this.#items.length >= MOST) return false;
    const last = this.#items.at(-1);
    const placed = last && item.at <= last.at ? { ...item, at: last.at + 1 } : item;
    this.#items.push(placed);
    this.#shelf.put(placed);
    return true;
  }

  refuse(id: string, why: string): void {
    const at = this.#items.findIndex((item) => item.id === id);
    const item = this.#items[at];
    if (!item) return;
    this.#items[at] = { ...item, refused: why };
    this.#shelf.put(this.#items[at]);
  }

  remove(id: string): void {
    this.#items = this.#items.filter((item) => item.id !== id);
    this.#shelf.remove(id);
  }
}

/** Version 4. `crypto.randomUUID` is missing on pages without TLS. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** IndexedDB, or null where it is denied. */
async function database(account: string): Promise<Shelf | null> {
  const store = "unsent";
  try {
    const opening = indexedDB.open(`frontdesk:${account}`, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(store, { keyPath: "id" });
    const base = await finished(opening);
    const within = (mode: IDBTransactionMode) => base.transaction(store, mode).objectStore(store);
    return {
      all: () => finished(within("readonly").getAll() as IDBRequest<Unsent[]>),
      put: (item) => void within("readwrite").put(item),
      remove: (id) => void within("readwrite").delete(id),
    };
  } catch {
    return null;
  }
}

function finished<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** `localStorage`; where that is denied too, only the outbox's own list remains, which is memory. */
export function local(account: string): Shelf {
  const key = `frontdesk:${account}:unsent`;
  const read = (): Unsent[] => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "[]") as Unsent[];
    } catch {
      return [];
    }
  };
  const change = (id: string, item?: Unsent): void => {
    const others = read().filter((other) => other.id !== id);
    try {
      localStorage.setItem(key, JSON.stringify(item ? [...others, item] : others));
    } catch {
      // Denied or full.
    }
  };
  return { all: async () => read(), put: (item) => change(item.id, item), remove: (id) => change(id) };
}
