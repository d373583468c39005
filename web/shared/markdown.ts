// The subset of markdown that bots write, as spans. Only drafts are parsed here: what was said arrives as spans, parsed
// by `bot/markup.py` to the same table of cases. No HTML is made or understood.
import type { WidgetSpanView } from "./schema";

export type Mark = NonNullable<WidgetSpanView["marks"]>[number];
export type Span = WidgetSpanView;

const ORDER: readonly Mark[] = ["bold", "italic", "strike", "code", "fence", "quote", "item", "heading"];

const FENCE = /^ {0,3}(`{3,}|~{3,})[^`]*$/;
const HEADING = /^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$/;
const QUOTE = /^ {0,3}>[ ]?/;
const ITEM = /^[ \t]*(?:([-*+])|(\d{1,9})[.)])[ \t]+(?=\S)/;

const SAFE = /^(?:https?:\/\/|mailto:|tel:)[^\s<>]+$/i;

// In order of precedence at one place: escape, code, image, link, address in angles, bare address, bold, italic, strike.
const INLINE = new RegExp(
  [
    "\\\\([!-/:-@[-`{-~])",
    "(?<!`)(`+)(?!`)([^]*?[^`])\\2(?!`)",
    "(!?)\\[((?:[^\\[\\]\\\\]|\\\\.)*)\\]\\(\\s*<?((?:[^\\s()<>]|\\([^\\s()<>]*\\))*)>?(?:\\s+\"[^\"]*\")?\\s*\\)",
    "<((?:https?:\\/\\/|mailto:|tel:)[^\\s<>]+)>",
    "(?<![\\w/])(https?:\\/\\/[^\\s<>\"*`]*[\\w/=&#%~-])",
    "(\\*\\*|(?<!\\w)__)(?=\\S)([^]*?\\S)\\9(?!\\*)(?!(?<=_)\\w)",
    "\\*(?=[^\\s*])((?:\\*\\*[^*]+\\*\\*|[^*])+?)(?<!\\s)\\*",
    "(?<!\\w)_(?=[^\\s_])([^_]+?)(?<!\\s)_(?!\\w)",
    "~~(?=\\S)([^]*?\\S)~~",
  ].join("|"),
);

/** Whether a link may be made of this address. */
export function isSafe(address: string): boolean {
  return SAFE.test(address);
}

/** Spans of a text that may still be growing: what is not closed yet stays characters. */
export function parse(text: string): Span[] {
  const spans: Span[] = [];
  blocks(text.replace(/\r\n?/g, "\n").split("\n"), [], spans);
  return spans;
}

function put(spans: Span[], text: string, marks: readonly Mark[], link = ""): void {
  if (!text) return;
  const ordered = ORDER.filter((mark) => marks.includes(mark));
  const last = spans.at(-1);
  if (last && (last.link ?? "") === link && (last.marks ?? []).join() === ordered.join()) {
    spans[spans.length - 1] = { ...last, text: last.text + text };
  } else {
    spans.push({ text, ...(ordered.length && { marks: ordered }), ...(link && { link }) });
  }
}

function blocks(lines: readonly string[], base: readonly Mark[], spans: Span[]): void {
  let last: "item" | "other" | "" = "";
  const open = (kind: "item" | "other") => {
    if (last) put(spans, last === "item" && kind === "item" ? "\n" : "\n\n", base);
    last = kind;
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const fence = FENCE.exec(line)?.[1];
    const heading = HEADING.exec(line);
    const item = ITEM.exec(line);
    if (!line.trim()) {
      at++;
    } else if (fence) {
      const end = lines.findIndex((other, i) => i > at && other.trim().startsWith(fence) && !/[^`~\s]/.test(other));
      const inside = lines.slice(at + 1, end < 0 ? undefined : end).join("\n");
      if (inside) open("other");
      put(spans, inside, [...base, "fence"]);
      at = end < 0 ? lines.length : end + 1;
    } else if (heading) {
      open("other");
      inline(heading[1]!, [...base, "heading"], spans);
      at++;
    } else if (QUOTE.test(line)) {
      const from = at;
      while (at < lines.length && QUOTE.test(lines[at]!)) at++;
      open("other");
      blocks(
        lines.slice(from, at).map((each) => each.replace(QUOTE, "")),
        [...base, "quote"],
        spans,
      );
    } else {
      const from = at++;
      while (at < lines.length && !begins(lines[at]!, !!item?.[2])) at++;
      const words = lines.slice(from, at).map((each) => each.trim());
      open(item ? "item" : "other");
      if (item) words[0] = (item[2] ? item[2] + ". " : "• ") + line.slice(item[0].length).trim();
      inline(words.join("\n"), item ? [...base, "item"] : base, spans);
    }
  }
}

/** Whether a line ends the words before it. A number other than 1 does so in a numbered list only: it may be a year. */
function begins(line: string, numbered: boolean): boolean {
  const item = ITEM.exec(line);
  const another = item && (numbered || item[1] || item[2] === "1");
  return !line.trim() || FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || !!another;
}

function inline(text: string, marks: readonly Mark[], spans: Span[], link = ""): void {
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [all, escaped, , code, image, label, address, angled, bare, , bold, starred, lined, strike] = found;
    put(spans, rest.slice(0, found.index), marks, link);
    rest = rest.slice(found.index + all.length);
    if (escaped) put(spans, escaped, marks, link);
    else if (code) put(spans, code, [...marks, "code"], link);
    else if (address !== undefined && image) put(spans, label ? `${label} (${address})` : address, marks, link);
    else if (address !== undefined && isSafe(address) && !link) inline(label!, marks, spans, address);
    else if (angled || bare) put(spans, (angled ?? bare)!, marks, link || (angled ?? bare));
    else if (bold) inline(bold, [...marks, "bold"], spans, link);
    else if (starred || lined) inline((starred ?? lined)!, [...marks, "italic"], spans, link);
    else if (strike) inline(strike, [...marks, "strike"], spans, link);
    else put(spans, all, marks, link);
  }
  put(spans, rest, marks, link);
}
