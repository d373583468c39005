/** One line of the queue, 72 px: who and when; the last words; who has it and why. */

import { memo, useSyncExternalStore } from "react";

import { channelName } from "../channel";
import { reasonKey } from "../conversation/timeline";
import { ControlChip, toneOf } from "../control-chip";
import { Face } from "../face";
import { Icon } from "../icons";
import { useTyping } from "../live/use-typing";
import { useNow } from "../now";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import { holderOf, type Row, stateOf } from "../wire";
import styles from "./queue.module.css";

interface Props {
  row: Row;
  offset: number;
  place: number;
  /** -1: not known yet. */
  count: number;
  selected: boolean;
  gone: boolean;
  onOpen(id: string): void;
}

export const QueueRow = memo(function QueueRow({ row, offset, place, count, selected, gone, onOpen }: Props) {
  const texts = useTexts();
  const { t } = texts;
  const now = useNow();
  return (
    <div
      id={`row-${row.id}`}
      role="option"
      aria-selected={selected}
      aria-posinset={place}
      aria-setsize={count}
      className={styles.row}
      data-tone={toneOf(row)}
      data-gone={gone || undefined}
      style={{ transform: `translateY(${offset}px)` }}
      onClick={() => onOpen(row.id)}
    >
      <Face name={row.customer} kind="customer" size={28} channel={row.channel} />
      <div className={styles.lines}>
        <div className={styles.line}>
          <span className={styles.name} data-unread={row.unread > 0 || undefined}>
            <span dir="auto">{row.customer}</span>
          </span>
          <span className="hidden">{channelName(row.channel, t)}</span>
          <time className={styles.time} dateTime={row.last_at} title={texts.moment(row.last_at)}>
            {texts.since(row.last_at, now)}
          </time>
          {row.unread > 0 && (
            <span className={styles.unread}>
              <span aria-hidden="true">{texts.count(row.unread)}</span>
              <span className="hidden">{t("row.unread", { n: row.unread })}</span>
            </span>
          )}
        </div>
        <Preview row={row} />
        <div className={styles.line}>
          <ControlChip row={row} />
          <span className={styles.reason}>
            {gone ? t("row.gone") : row.reason && stateOf(row.control) !== "bot" ? t(reasonKey("reason", row.reason)) : ""}
          </span>
          {row.priority > 0 && (
            <span className={styles.waiting} title={t("row.priority", { n: row.priority })}>
              <Icon name="urgent" size={12} />
              <span aria-hidden="true">{texts.count(row.priority)}</span>
              <span className="hidden">{t("row.priority", { n: row.priority })}</span>
            </span>
          )}
          {row.waiting_since && (
            <span className={styles.waiting} title={texts.moment(row.waiting_since)}>
              <Icon name="clock" size={12} />
              <span aria-hidden="true">{texts.span(now - Date.parse(row.waiting_since))}</span>
              <span className="hidden">{t("row.waiting", { wait: texts.span(now - Date.parse(row.waiting_since)) })}</span>
            </span>
          )}
        </div>
      </div>
    </div>
  );
});

function Preview({ row }: { row: Row }) {
  const { t } = useTexts();
  const { unsent } = useTools();
  const draft = useSyncExternalStore(unsent.subscribe, () => unsent.has(row.id));
  const typing = useTyping(row.id);
  if (typing && typing.who.kind === "customer") {
    return <div className={styles.typing}>{t("row.typing", { name: row.customer })}</div>;
  }
  return (
    <div className={styles.preview}>
      {draft && <span className={styles.draft}>{t("row.draft")}</span>}
      <Speaker row={row} />
      <span className={styles.last} dir="auto">
        {row.last_text || t("row.empty")}
      </span>
    </div>
  );
}

/** Nothing stands before the customer's own words. */
function Speaker({ row }: { row: Row }) {
  const { t } = useTexts();
  const { me } = useTools();
  const name = row.control.holder_name;
  if (row.last_by === "bot") return <span className={styles.bot}>{t("row.bot")}</span>;
  if (row.last_by !== "agent") return null;
  const mine = holderOf(row.control) === me.id;
  return <span className={styles.agent}>{mine ? t("row.you") : t("row.agent", { name: name ?? t("control.human") })}</span>;
}
