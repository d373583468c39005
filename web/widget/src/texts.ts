// The panel's words in the visitor's language, and times and days as that language writes them.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import en from "../../shared/texts/en.json";

type Prefixed = keyof typeof en;
export type Key = Prefixed extends infer All ? (All extends `widget.${infer Name}` ? Name : never) : never;
type Texts = Partial<Record<Key, string>>;

const OTHERS: Record<string, () => Promise<{ default: unknown }>> = {
  ar: () => import("../../shared/texts/ar.json"),
  de: () => import("../../shared/texts/de.json"),
  es: () => import("../../shared/texts/es.json"),
  fr: () => import("../../shared/texts/fr.json"),
  pt: () => import("../../shared/texts/pt.json"),
};

const RIGHT_TO_LEFT = /^(?:ar|fa|he|ur)\b/;

export interface Words {
  /** The tag asked for, with its region: dates and numbers follow it. */
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  t(key: Key, values?: Record<string, string | number>): string;
  time(at: Date): string;
  day(at: Date, now: Date): string;
  number(value: number): string;
}

/** English where a language is not there or its file does not come. */
export async function load(wanted: string): Promise<Words> {
  const name = wanted.toLowerCase().split("-")[0]!;
  const other = await OTHERS[name]?.().catch(() => null);
  return words(other || name === "en" ? wanted : "en", (other?.default ?? en) as Texts);
}

export function words(wanted: string, texts: Texts = en as Texts): Words {
  const language = supported(wanted);
  const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
  const near = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const far = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
  const numbers = new Intl.NumberFormat(language);
  const number = (value: number): string => numbers.format(value);
  return {
    language,
    direction: RIGHT_TO_LEFT.test(language) ? "rtl" : "ltr",
    t: (key, values = {}) =>
      (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => {
        const value = values[name];
        if (value === undefined) return whole;
        // A name keeps its own direction inside a sentence of the other.
        return typeof value === "number" ? number(value) : `\u2068${value}\u2069`;
      }),
    number,
    time: (at) => clock.format(at),
    day: (at, now) => {
      const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
      const text = days > -2 && days < 1 ? near.format(days, "day") : far.format(at);
      return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
    },
  };
}

function supported(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en";
  } catch {
    return "en";
  }
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

const Context = createContext<Words>(words("en"));
export const WordsProvider = Context.Provider;
export const useWords = (): Words => useContext(Context);
