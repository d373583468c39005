/** The parts of a message. What a customer could press is shown here as it looked, and cannot be pressed. */

import { Icon } from "../icons";
import { isSafe } from "../../../shared/markdown";
import { useTexts } from "../texts";
import type { Part } from "../wire";
import styles from "./parts.module.css";
import { plain } from "./timeline";
import { Outside, Words } from "./words";

interface Props {
  parts: readonly Part[];
  chosen: ReadonlySet<string>;
}

export function Parts({ parts, chosen }: Props) {
  return parts.map((part, index) => <PartView key={index} part={part} chosen={chosen} />);
}

function PartView({ part, chosen }: { part: Part; chosen: ReadonlySet<string> }) {
  switch (part.part) {
    case "text":
      return <Words spans={part.spans} />;
    case "choices":
      return (
        <div className={styles.choices}>
          {part.prompt && <p dir="auto">{part.prompt}</p>}
          <Options options={part.options} chosen={chosen} look={part.look ?? "quick"} />
        </div>
      );
    case "card":
      return (
        <div className={styles.card}>
          <div className={styles.cardTitle} dir="auto">
            {part.title}
          </div>
          {part.body && <p dir="auto">{part.body}</p>}
          {part.meta && (
            <p className={styles.cardMeta} dir="auto">
              {part.meta}
            </p>
          )}
          {part.options && <Options options={part.options} chosen={chosen} look="quick" />}
        </div>
      );
    case "sources":
      return <SourceList sources={part.sources} />;
    case "notice":
      return <p dir="auto">{part.text}</p>;
    case "media":
    case "location":
    case "rating":
    case "carousel":
    case "table":
    case "form":
    case "vcard":
    case "raw":
      return <p dir="auto">{plain([part])}</p>;
    default:
      part satisfies never;
      return null;
  }
}

type ChoicesPart = Extract<Part, { part: "choices" }>;

function Options({ options, chosen, look }: Pick<ChoicesPart, "options"> & { chosen: ReadonlySet<string>; look: string }) {
  const { t } = useTexts();
  return (
    <ul className={styles.options} data-look={look}>
      {options.map((option) => {
        const picked = option.token !== undefined && chosen.has(option.token);
        return (
          <li key={option.token ?? option.label} className={styles.option} data-chosen={picked || undefined} dir="auto">
            {picked && <Icon name="check" size={12} />}
            {option.label}
            {picked && <span className="hidden"> ({t("said.chosen")})</span>}
          </li>
        );
      })}
    </ul>
  );
}

function SourceList({ sources }: { sources: Extract<Part, { part: "sources" }>["sources"] }) {
  const { t } = useTexts();
  return (
    <details className={styles.sources}>
      <summary>
        <Icon name="down" size={12} />
        {t("said.sources", { n: sources.length })}
      </summary>
      <ol>
        {sources.map((source, index) => (
          <li key={index}>
            <div className={styles.sourceTitle} dir="auto">
              {source.address && isSafe(source.address) ? <Outside address={source.address}>{source.title}</Outside> : source.title}
            </div>
            <p dir="auto">{source.passage}</p>
          </li>
        ))}
      </ol>
    </details>
  );
}
