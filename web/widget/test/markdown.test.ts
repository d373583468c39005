import { describe, expect, test } from "vitest";
import cases from "../../shared/markdown.cases.json";
import { isSafe, parse } from "../../shared/markdown";

describe("the table shared with the server's parser", () => {
  test.each(cases)("$name", ({ markdown, spans }) => {
    expect(parse(markdown)).toEqual(spans);
  });
});

test("a growing text never throws and never loses a character of its words", () => {
  const whole = cases.map((each) => each.markdown).join("\n\n");
  for (let end = 0; end <= whole.length; end++) {
    const words = parse(whole.slice(0, end))
      .map((span) => span.text)
      .join("");
    expect(words.length).toBeGreaterThan(end / 2 - 20);
  }
});

test.each(["javascript:alert(1)", "java\nscript:alert(1)", " https://a.example", "data:text/html,x", "//a.example", "vbscript:x", ""])(
  "no link to %j",
  (address) => {
    expect(isSafe(address)).toBe(false);
  },
);
