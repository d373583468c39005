import { Face } from "../face";
import { Icon, type IconName } from "../icons";
import { useTexts } from "../texts";
import type { Author } from "../wire";
import styles from "./log.module.css";
import { Parts } from "./parts";
import type { Bubble as BubbleItem } from "./timeline";

const MARKS: Record<Exclude<BubbleItem["came"], ""> | "deleted", IconName> = { edited: "pen", deleted: "cross", submitted: "press", echoed: "outside" };

interface Props {
  conversation: string;
  bubble: BubbleItem;
  customer: string;
  chosen: ReadonlySet<string>;
  /** It was on its way when control changed. */
  inFlight: boolean;
  onTurn(turn: number): void;
  onChange(bubble: BubbleItem, how: Change): void;
  /** The channel can take messages back. */
  mayDelete: boolean;
}

export type Change = "edit" | "delete";

/** Only words can be written anew. */
export const isWords = (bubble: BubbleItem): boolean => bubble.parts.every((part) => part.part === "text");

export function Bubble({ conversation, bubble, customer, chosen, inFlight, onTurn, onChange, mayDelete }: Props) {
  const texts = useTexts();
  const { t } = texts;
  const { author, first, last } = bubble;
  const name = useName(author, customer, bubble.own);
  const { turn } = bubble;
  const mark = bubble.gone || bubble.came;
  const theirs = author.kind === "customer" || bubble.came === "echoed";
  return (
    <article className={styles.bubble} data-by={author.kind} data-own={bubble.own || undefined} data-first={first || undefined} data-last={last || undefined}>
      {first && (
        <header className={styles.who} aria-hidden="true">
          <Face name={author.kind === "customer" ? customer : (author.name ?? "")} kind={faceOf(author)} size={20} />
          <span dir="auto">{name}</span>
        </header>
      )}
      <p className="hidden">{t("said.by", { name, time: texts.time(bubble.at) })}</p>
      <div className={styles.said} data-stopped={bubble.stopped || undefined} data-gone={bubble.gone || undefined}>
        {bubble.pressed && (
          <span className={styles.pressed} title={t("said.pressed")}>
            <Icon name="press" size={12} />
            <span className="hidden">{t("said.pressed")}</span>
          </span>
        )}
        <Parts parts={bubble.parts} chosen={chosen} said={{ conversation, seq: bubble.seq, theirs }} />
        {bubble.stopped && (
          <p className={styles.stopped} title={t("said.stopped.hint")}>
            <Icon name="stop" size={12} />
            {t("said.stopped")}
          </p>
        )}
      </div>
      {mark && (
        <p className={styles.onWay}>
          <Icon name={MARKS[mark]} size={12} />
          {t(bubble.gone ? `said.gone.${bubble.gone}` : `said.came.${bubble.came || "edited"}`)}
        </p>
      )}
      {inFlight && (
        <p className={styles.onWay}>
          <Icon name="clock" size={12} />
          {t("said.inflight")}
        </p>
      )}
      <footer className={styles.foot}>
        <time dateTime={bubble.at} title={texts.moment(bubble.at)}>
          {texts.time(bubble.at)}
        </time>
        {author.kind === "bot" && turn !== null && (
          <button type="button" className={styles.why} onClick={() => onTurn(turn)}>
            {t("said.why")}
          </button>
        )}
        {bubble.revisable && isWords(bubble) && (
          <button type="button" className={styles.why} onClick={() => onChange(bubble, "edit")}>
            {t("said.edit")}
          </button>
        )}
        {bubble.revisable && mayDelete && (
          <button type="button" className={styles.why} onClick={() => onChange(bubble, "delete")}>
            {t("said.delete")}
          </button>
        )}
      </footer>
    </article>
  );
}

const faceOf = (author: Author) => (author.kind === "bot" || author.kind === "agent" ? author.kind : "customer");

export function useName(author: Author, customer: string, own: boolean): string {
  const { t } = useTexts();
  if (own) return t("who.you");
  switch (author.kind) {
    case "bot":
      return `${t("who.bot")} · ${t("who.ai")}`;
    case "agent":
      return author.name || t("control.human");
    case "customer":
    case "system":
      return customer;
    default:
      author.kind satisfies never;
      return customer;
  }
}
