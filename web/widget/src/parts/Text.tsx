import type { ComponentChildren } from "preact";
import { isSafe } from "../../../shared/markdown";
import { type Span, blocks } from "../../../shared/parts";
import { useWords } from "../texts";

/** `tail` goes after the last word: the caret of a draft. */
export function Text({ spans, tail }: { spans: readonly Span[]; tail?: ComponentChildren }) {
  const all = blocks(spans);
  return (
    <>
      {all.map((block, at) => {
        const end = at === all.length - 1 ? tail : null;
        switch (block.block) {
          case "words":
            return <Words key={at} spans={block.spans} tail={end} />;
          case "heading":
            return <Words key={at} spans={block.spans} tail={end} look="heading" />;
          case "quote":
            return (
              <blockquote key={at} dir="auto">
                <Inline spans={block.spans} />
                {end}
              </blockquote>
            );
          case "fence":
            return (
              <pre key={at} tabIndex={0} dir="ltr">
                <code>{block.spans.map((span) => span.text)}</code>
                {end}
              </pre>
            );
          case "list": {
            const items = block.items.map((item, n) => (
              <li key={n} dir="auto">
                <Inline spans={item} />
                {n === block.items.length - 1 && end}
              </li>
            ));
            return block.start === null ? <ul key={at}>{items}</ul> : <ol key={at} start={block.start}>{items}</ol>;
          }
          default:
            block satisfies never;
            return null;
        }
      })}
      {!all.length && tail}
    </>
  );
}

function Words({ spans, tail, look = "" }: { spans: readonly Span[]; tail: ComponentChildren; look?: string }) {
  return (
    <p class={look} dir="auto">
      <Inline spans={spans} />
      {tail}
    </p>
  );
}

function Inline({ spans }: { spans: readonly Span[] }) {
  return (
    <>
      {spans.map((span, at) => (
        <One key={at} span={span} />
      ))}
    </>
  );
}

function One({ span }: { span: Span }) {
  const marks = span.marks ?? [];
  let node: ComponentChildren = span.text;
  if (marks.includes("code")) node = <code dir="ltr">{node}</code>;
  if (marks.includes("strike")) node = <s>{node}</s>;
  if (marks.includes("italic")) node = <em>{node}</em>;
  if (marks.includes("bold")) node = <strong>{node}</strong>;
  return <>{span.link && isSafe(span.link) ? <Link address={span.link}>{node}</Link> : node}</>;
}

/** Shows where it leads, unless its words already say so. */
export function Link({ address, children, host = true }: { address: string; children: ComponentChildren; host?: boolean }) {
  const { t } = useWords();
  const where = hostOf(address);
  if (!where) return <a href={address}>{children}</a>;
  const told = typeof children === "string" && children.includes(where);
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {children}
      {host && !told && (
        <span class="host" dir="ltr">
          {" "}
          {where}
        </span>
      )}
      <span class="unseen"> ({t("tab")})</span>
    </a>
  );
}

/** Empty for an address without one. */
export function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return "";
  }
}
