/** What somebody would type to say these spans. Pure. */

import type { Span } from "../wire";

const AROUND = [
  ["code", "`"],
  ["strike", "~~"],
  ["italic", "*"],
  ["bold", "**"],
] as const;

export function source(spans: readonly Span[]): string {
  return spans.map(typed).join("");
}

function typed({ text, marks = [], link }: Span): string {
  if (marks.includes("fence")) return `\`\`\`\n${text.replace(/^\n+|\n+$/g, "")}\n\`\`\``;
  let words = inside(text, (core) => (link && link !== core ? `[${core}](${link})` : core));
  for (const [mark, sign] of AROUND) if (marks.includes(mark)) words = inside(words, (core) => `${sign}${core}${sign}`);
  if (marks.includes("item")) words = words.replace(/^(\s*)• /gm, "$1- ");
  if (marks.includes("heading")) words = lines(words, "## ");
  return marks.includes("quote") ? lines(words, "> ") : words;
}

/** Signs stand close to what they mark: white space around it stays outside. */
function inside(text: string, change: (core: string) => string): string {
  const core = text.trim();
  return core ? text.replace(core, () => change(core)) : text;
}

function lines(text: string, sign: string): string {
  return text.replace(/^(?=.)/gm, sign);
}
