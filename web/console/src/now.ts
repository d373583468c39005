/** One ticker for every clock on the page. */

import { useSyncExternalStore } from "react";

class Ticker {
  #now = Date.now();
  #timer: ReturnType<typeof setInterval> | null = null;
  readonly #every: number;
  readonly #listeners = new Set<() => void>();

  constructor(every: number) {
    this.#every = every;
  }

  readonly now = (): number => this.#now;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), this.#every);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
  };

  #tick(): void {
    this.#now = Date.now();
    for (const listener of this.#listeners) listener();
  }
}

const slow = new Ticker(15_000);
const quick = new Ticker(1_000);

/** The time, good to 15 s, or to 1 s where seconds are shown. */
export function useNow(seconds = false): number {
  const ticker = seconds ? quick : slow;
  return useSyncExternalStore(ticker.subscribe, ticker.now);
}
