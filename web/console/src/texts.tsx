/** The console's words, in the reader's language: texts with plurals, times and counts. */

import { createContext, useContext } from "react";

import en from "./texts/en.json";

export type Key = keyof typeof en;
type Text = string | { readonly [rule: string]: string };

export const LANGUAGES = ["en", "fr", "es", "de", "pt", "ar"] as const;
export type Language = (typeof LANGUAGES)[number];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export class Texts {
  readonly language: Language;
  /** With the reader's region, where the browser names one: dates and clocks follow it. */
  readonly locale: string;
  readonly direction: "ltr" | "rtl";
  readonly #texts: Readonly<Partial<Record<Key, Text>>>;
  readonly #plurals: Intl.PluralRules;
  readonly #clock: Intl.DateTimeFormat;
  readonly #count: Intl.NumberFormat;

  constructor(language: Language = "en", texts: Readonly<Partial<Record<Key, Text>>> = en) {
    this.language = language;
    this.locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
    this.direction = language === "ar" ? "rtl" : "ltr";
    this.#texts = texts;
    this.#plurals = new Intl.PluralRules(this.locale);
    this.#clock = new Intl.DateTimeFormat(this.locale, { hour: "2-digit", minute: "2-digit" });
    this.#count = new Intl.NumberFormat(this.locale);
  }

  /** The text of a key; `{name}` stands for a value, and `n` chooses the plural. */
  readonly t = (key: Key, values: Readonly<Record<string, string | number>> = {}): string => {
    const text: Text = this.#texts[key] ?? en[key];
    const chosen = typeof text === "string" ? text : (text[this.#plurals.select(Number(values.n ?? 1))] ?? text.other ?? "");
    return chosen.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const value = values[name];
      if (value === undefined) return hole;
      return typeof value === "number" ? this.#count.format(value) : value;
    });
  };

  count(n: number): string {
    return this.#count.format(n);
  }

  bytes(size: number): string {
    const [value, unit] = size < 1_048_576 ? [Math.ceil(size / 1_024), "kilobyte"] : [Math.round(size / 104_857.6) / 10, "megabyte"];
    return new Intl.NumberFormat(this.locale, { style: "unit", unit, unitDisplay: "short" }).format(value);
  }

  time(at: string): string {
    return this.#clock.format(new Date(at));
  }

  /** Today and yesterday by name, within a week by weekday, else by date. */
  day(at: string, now: number): string {
    const days = Math.round((startOfDay(now) - startOfDay(Date.parse(at))) / DAY);
    if (days <= 1) return new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" }).format(-days, "day");
    const options: Intl.DateTimeFormatOptions =
      days < 7 ? { weekday: "long" } : { day: "numeric", month: "long", year: "numeric" };
    return new Intl.DateTimeFormat(this.locale, options).format(new Date(at));
  }

  date(at: string): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium" }).format(new Date(at));
  }

  moment(at: string): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
  }

  /** A span of time in its largest unit: 40s, 6m, 1h, 3d. */
  span(ms: number): string {
    if (ms < MINUTE) return this.#unit(Math.max(0, ms / 1_000), "second");
    if (ms < HOUR) return this.#unit(ms / MINUTE, "minute");
    if (ms < DAY) return this.#unit(ms / HOUR, "hour");
    return this.#unit(ms / DAY, "day");
  }

  /** The same in full words, for a wait that somebody sits through. */
  wait(ms: number): string {
    const seconds = Math.ceil(ms / 1_000);
    const parts = [];
    if (seconds >= 60) parts.push(this.#unit(Math.floor(seconds / 60), "minute", "long"));
    if (seconds % 60 || seconds < 60) parts.push(this.#unit(seconds % 60, "second", "long"));
    return new Intl.ListFormat(this.locale).format(parts);
  }

  /** How long ago, as short as it gets. */
  since(at: string, now: number): string {
    const ms = now - Date.parse(at);
    return ms < MINUTE ? new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" }).format(0, "second") : this.span(ms);
  }

  ago(at: string, now: number): string {
    const ms = Math.max(1_000, now - Date.parse(at));
    const format = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto", style: "short" });
    if (ms < MINUTE) return format.format(-Math.round(ms / 1_000), "second");
    if (ms < HOUR) return format.format(-Math.floor(ms / MINUTE), "minute");
    if (ms < DAY) return format.format(-Math.floor(ms / HOUR), "hour");
    return format.format(-Math.floor(ms / DAY), "day");
  }

  languageName(tag: string): string {
    try {
      return new Intl.DisplayNames(this.language, { type: "language" }).of(tag) ?? tag;
    } catch {
      return tag;
    }
  }

  list(words: readonly string[]): string {
    return new Intl.ListFormat(this.locale).format(words);
  }

  #unit(n: number, unit: string, unitDisplay: "narrow" | "long" = "narrow"): string {
    const options = { style: "unit", unit, unitDisplay, maximumFractionDigits: 0, roundingMode: "floor" } as const;
    return new Intl.NumberFormat(this.locale, options as Intl.NumberFormatOptions).format(n);
  }
}

/** English is in the page; the others are fetched when they are spoken. */
const files = import.meta.glob<{ default: Readonly<Partial<Record<Key, Text>>> }>([
  "./texts/*.json",
  "!./texts/en.json",
]);

export async function loadTexts(language: Language): Promise<Texts> {
  const load = files[`./texts/${language}.json`];
  return load ? new Texts(language, (await load()).default) : new Texts();
}

/** The one chosen in the menu, else the browser's first that we speak. */
export function preferred(choice: string | null, browser: readonly string[]): Language {
  const spoken = [choice ?? "", ...browser].map((tag) => LANGUAGES.find((language) => language === tag.toLowerCase().split("-")[0]));
  return spoken.find((language) => language !== undefined) ?? "en";
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

export const TextsContext = createContext(new Texts());

export const useTexts = (): Texts => useContext(TextsContext);
