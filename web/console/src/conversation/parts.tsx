/** The parts of a message. What a customer could press is shown here as it looked, and cannot be pressed. */

import { Fragment, type ReactNode } from "react";

import { Icon, type IconName } from "../icons";
import { isSafe } from "../../../shared/markdown";
import { useTexts } from "../texts";
import type { Part } from "../wire";
import { MediaBox, type Said } from "./media";
import styles from "./parts.module.css";
import { plain } from "./timeline";
import { Outside, Words } from "./words";

interface Props {
  parts: readonly Part[];
  chosen: ReadonlySet<string>;
  said: Said;
}

export function Parts({ parts, chosen, said }: Props) {
  return parts.map((part, index) => <PartView key={index} part={part} chosen={chosen} said={said} index={index} />);
}

interface PartProps {
  part: Part;
  chosen: ReadonlySet<string>;
  said: Said;
  index: number;
}

function PartView({ part, chosen, said, index }: PartProps) {
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
      return <CardBox card={part} chosen={chosen} />;
    case "carousel":
      return (
        <div className={styles.carousel}>
          {part.cards.map((card, index) => (
            <CardBox key={index} card={card} chosen={chosen} />
          ))}
        </div>
      );
    case "rating":
      return (
        <div className={styles.choices}>
          {part.prompt && <p dir="auto">{part.prompt}</p>}
          {part.options && <Options options={part.options} chosen={chosen} look="quick" />}
        </div>
      );
    case "table":
      return <TableBox table={part} />;
    case "form":
      return <FormBox form={part} />;
    case "media":
      return <MediaBox media={part} said={said} index={index} />;
    case "location": {
      const { latitude, longitude, label } = part;
      const address = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`;
      return <Thing icon="pin" title={<Outside address={address}>{label || `${latitude}, ${longitude}`}</Outside>} />;
    }
    case "vcard":
      return (
        <Thing icon="person" title={part.name}>
          {part.phone && <p dir="ltr">{part.phone}</p>}
          {part.email && <p dir="ltr">{part.email}</p>}
        </Thing>
      );
    case "sources":
      return <SourceList sources={part.sources} />;
    case "notice":
      return <p dir="auto">{part.text}</p>;
    case "raw":
      return <p dir="auto">{plain([part])}</p>;
    default:
      part satisfies never;
      return null;
  }
}

type Of<Name extends Part["part"]> = Extract<Part, { part: Name }>;

function CardBox({ card, chosen }: { card: Omit<Of<"card">, "part">; chosen: ReadonlySet<string> }) {
  return (
    <div className={styles.card}>
      <div className={styles.cardTitle} dir="auto">
        {card.title}
      </div>
      {card.body && <p dir="auto">{card.body}</p>}
      {card.meta && (
        <p className={styles.cardMeta} dir="auto">
          {card.meta}
        </p>
      )}
      {card.options && <Options options={card.options} chosen={chosen} look="quick" />}
    </div>
  );
}

function TableBox({ table }: { table: Of<"table"> }) {
  return (
    <div className={styles.table} tabIndex={0}>
      <table>
        {table.title && <caption dir="auto">{table.title}</caption>}
        <thead>
          <tr>
            {table.columns.map((name, index) => (
              <th key={index} scope="col" dir="auto">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at} dir="auto">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is asked; what was answered is the customer's own message. */
function FormBox({ form }: { form: Of<"form"> }) {
  const { t } = useTexts();
  return (
    <div className={styles.card}>
      <div className={styles.cardTitle} dir="auto">
        {form.title || t("part.form")}
      </div>
      <dl className={styles.fields}>
        {form.fields.map((field) => (
          <Fragment key={field.name}>
            <dt dir="auto">
              {field.label}
              {field.required === false && <span className={styles.cardMeta}> {t("part.optional")}</span>}
            </dt>
            <dd dir="auto">{field.value || field.options?.map((option) => option.label).join(" · ") || field.hint || "…"}</dd>
          </Fragment>
        ))}
      </dl>
    </div>
  );
}

function Thing({ icon, title, children }: { icon: IconName; title: ReactNode; children?: ReactNode }) {
  return (
    <div className={styles.thing}>
      <Icon name={icon} />
      <div>
        <div className={styles.cardTitle} dir="auto">
          {title}
        </div>
        {children}
      </div>
    </div>
  );
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
