/** Words as spans, shown as text nodes: nothing a customer or a model wrote is ever read as HTML. */

import { Fragment, type ReactNode } from "react";

import { isSafe } from "../../../shared/markdown";
import { type Block, blocks } from "../../../shared/parts";
import { useTexts } from "../texts";
import type { Span } from "../wire";
import styles from "./words.module.css";

export function Words({ spans, end }: { spans: readonly Span[]; end?: ReactNode }) {
  const shown = blocks(spans);
  return (
    <div className={styles.words} dir="auto">
      {shown.map((block, index) => (
        <WordBlock key={index} block={block} end={index === shown.length - 1 ? end : null} />
      ))}
      {shown.length === 0 && end}
    </div>
  );
}

function WordBlock({ block, end }: { block: Block; end: ReactNode }) {
  switch (block.block) {
    case "list": {
      const List = block.start === null ? "ul" : "ol";
      return (
        <List start={block.start ?? undefined} className={styles.list}>
          {block.items.map((item, index) => (
            <li key={index}>
              <Run spans={item} />
              {index === block.items.length - 1 && end}
            </li>
          ))}
        </List>
      );
    }
    case "fence":
      return (
        <pre className={styles.fence} dir="ltr">
          <Run spans={block.spans} />
          {end}
        </pre>
      );
    case "quote":
      return (
        <blockquote className={styles.quote}>
          <Run spans={block.spans} />
          {end}
        </blockquote>
      );
    case "heading":
      return (
        <p className={styles.heading}>
          <Run spans={block.spans} />
          {end}
        </p>
      );
    case "words":
      return (
        <p>
          <Run spans={block.spans} />
          {end}
        </p>
      );
    default:
      block satisfies never;
      return null;
  }
}

function Run({ spans }: { spans: readonly Span[] }) {
  return spans.map((span, index) => <Fragment key={index}>{piece(span)}</Fragment>);
}

function piece(span: Span): ReactNode {
  let shown: ReactNode = span.text;
  for (const mark of span.marks ?? []) {
    if (mark === "bold") shown = <strong>{shown}</strong>;
    else if (mark === "italic") shown = <em>{shown}</em>;
    else if (mark === "strike") shown = <s>{shown}</s>;
    else if (mark === "code") shown = <code className={styles.code}>{shown}</code>;
  }
  return span.link && isSafe(span.link) ? <Outside address={span.link}>{shown}</Outside> : shown;
}

export function Outside({ address, children }: { address: string; children: ReactNode }) {
  const { t } = useTexts();
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" title={address}>
      {children}
      <span className="hidden"> ({t("said.opens")})</span>
    </a>
  );
}
