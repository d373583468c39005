// Spans put together into the blocks that a page shows: paragraphs, lists, quotes, code, headings.
import type { WidgetSpanView } from "./schema";

export type Span = WidgetSpanView;

export type Block =
  | { readonly block: "words" | "quote" | "heading" | "fence"; readonly spans: readonly Span[] }
  | { readonly block: "list"; readonly start: number | null; readonly items: readonly (readonly Span[])[] };

type Kind = "words" | "quote" | "heading" | "fence" | "item";

const BULLET = /^(?:•|(\d+)\.)\s+/;

/** An item's bullet or number is part of its text; here it becomes the list's own. */
export function blocks(spans: readonly Span[]): Block[] {
  const found: Block[] = [];
  let items: (readonly Span[])[] | null = null;
  for (const [kind, run] of runs(spans)) {
    if (kind === "item") {
      const bullet = BULLET.exec(run[0]!.text);
      const item = bullet ? trimStart(run, bullet[0].length) : run;
      if (items) items.push(item);
      else found.push({ block: "list", start: bullet?.[1] ? Number(bullet[1]) : null, items: (items = [item]) });
    } else if (kind === "words") {
      const words = paragraphs(run);
      // A line break alone only separates items.
      if (words.length || plain(run) !== "\n") items = null;
      for (const paragraph of words) found.push({ block: "words", spans: paragraph });
    } else {
      items = null;
      found.push({ block: kind, spans: run });
    }
  }
  return found;
}

export function plain(spans: readonly Span[]): string {
  return spans.map((span) => span.text).join("");
}

function kindOf(span: Span): Kind {
  for (const mark of ["fence", "quote", "heading", "item"] as const) if (span.marks?.includes(mark)) return mark;
  return "words";
}

function runs(spans: readonly Span[]): [Kind, Span[]][] {
  const found: [Kind, Span[]][] = [];
  for (const span of spans) {
    const kind = kindOf(span);
    const last = found.at(-1);
    if (last?.[0] === kind) last[1].push(span);
    else found.push([kind, [span]]);
  }
  return found;
}

function trimStart(run: readonly Span[], characters: number): Span[] {
  const [first, ...rest] = run;
  const text = first!.text.slice(characters);
  return text ? [{ ...first!, text }, ...rest] : rest;
}

function paragraphs(run: readonly Span[]): Span[][] {
  const found: Span[][] = [[]];
  for (const span of run) {
    span.text.split(/\n{2,}/).forEach((text, at) => {
      if (at) found.push([]);
      if (text) found.at(-1)!.push({ ...span, text });
    });
  }
  // Line breaks at either end stand between this and another block.
  return found.filter((paragraph) => plain(paragraph).trim());
}
