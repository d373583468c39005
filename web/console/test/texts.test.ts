import { describe, expect, test } from "vitest";

import { LANGUAGES, preferred, Texts } from "../src/texts";
import ar from "../src/texts/ar.json";
import de from "../src/texts/de.json";
import en from "../src/texts/en.json";
import es from "../src/texts/es.json";
import fr from "../src/texts/fr.json";
import pt from "../src/texts/pt.json";

type Text = string | Record<string, string>;
const FILES: Record<string, Record<string, Text>> = { en, fr, es, de, pt, ar };

const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string).sort();
const forms = (text: Text): string[] => (typeof text === "string" ? [text] : Object.values(text));

describe.each(LANGUAGES.map((language) => [language, FILES[language] ?? {}] as const))("%s", (language, file) => {
  test("has every key and no other", () => {
    expect(Object.keys(file).sort()).toEqual(Object.keys(en).sort());
  });

  test("has the holes of the English text", () => {
    for (const [key, text] of Object.entries(en as Record<string, Text>)) {
      const wanted = new Set(holes(forms(text).join(" ")));
      for (const form of forms(file[key] ?? "")) {
        for (const hole of holes(form)) expect(wanted.has(hole), `${key}: ${form}`).toBe(true);
      }
      expect(new Set(holes(forms(file[key] ?? "").join(" "))), key).toEqual(wanted);
    }
  });

  test("has every plural form of the language", () => {
    const rules = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, text] of Object.entries(file)) {
      if (typeof text !== "string") expect(Object.keys(text).sort(), key).toEqual([...rules].sort());
    }
  });
});

test("a text takes its values and its plural", () => {
  const { t } = new Texts();
  expect(t("queue.updates", { n: 1 })).toBe("1 update");
  expect(t("queue.updates", { n: 4 })).toBe("4 updates");
  expect(t("line.human", { name: "Jo" })).toBe("Jo took over");
});

test("spans of time are short in the list and whole where one waits", () => {
  const texts = new Texts();
  expect([40_000, 6 * 60_000, 3_600_000, 3 * 86_400_000].map((ms) => texts.span(ms))).toEqual(["40s", "6m", "1h", "3d"]);
  expect(texts.wait(85_000)).toBe("1 minute and 25 seconds");
  expect(texts.wait(60_000)).toBe("1 minute");
});

test("the menu's choice goes before the browser's, and what we do not speak is English", () => {
  expect(preferred("de", ["fr-CA"])).toBe("de");
  expect(preferred(null, ["ja", "fr-CA", "de"])).toBe("fr");
  expect(preferred(null, ["ja"])).toBe("en");
});
