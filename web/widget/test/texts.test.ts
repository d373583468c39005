import { expect, test } from "vitest";
import { load, words } from "../src/texts";

const files = import.meta.glob<{ default: Record<string, string> }>("../../shared/texts/*.json", { eager: true });
const english = Object.entries(files).find(([path]) => path.endsWith("/en.json"))![1].default;
const values = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();

test.each(Object.entries(files))("%s has every text, with the same values in it", (_, { default: texts }) => {
  const expected = Object.fromEntries(Object.entries(english).map(([key, text]) => [key, values(text)]));
  const found = Object.fromEntries(Object.keys(english).map((key) => [key, values(texts[key] ?? "missing")]));
  expect(found).toEqual(expected);
});

test.each([
  ["fr-CA", "Envoyer", "ltr"],
  ["ar", "إرسال", "rtl"],
  ["xx", "Send", "ltr"],
  ["not a tag", "Send", "ltr"],
])("%s", async (tag, send, direction) => {
  const found = await load(tag);
  expect([found.t("send"), found.direction]).toEqual([send, direction]);
});

test("a name keeps its direction inside a sentence", () => {
  expect(words("en").t("line.human", { name: "منى" })).toBe("You are now talking with \u2068منى\u2069");
});

test("days near by have names", () => {
  const { day } = words("en");
  const now = new Date(2026, 2, 2, 9);
  expect([day(now, now), day(new Date(2026, 2, 1, 23), now), day(new Date(2026, 1, 20), now)]).toEqual([
    "Today",
    "Yesterday",
    "Friday, February 20",
  ]);
});
