import { expect, test } from "vitest";

import { parse } from "../../shared/markdown";
import { source } from "../src/conversation/source";

test.each([
  "plain words",
  "**bold**, *italic* and ~~gone~~",
  "see [our page](https://a.example/b) or `code`",
  "https://a.example/b",
  "before **bold** after",
])("%s is typed as it was", (typed) => {
  expect(parse(source(parse(typed)))).toEqual(parse(typed));
  expect(source(parse(typed))).toBe(typed);
});

test("lists and quotes keep their look", () => {
  expect(source([{ text: "• one\n• two", marks: ["item"] }])).toBe("- one\n- two");
  expect(source([{ text: "said\nbefore", marks: ["quote"] }])).toBe("> said\n> before");
});
