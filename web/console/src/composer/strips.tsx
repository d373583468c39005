/** What stands above the composer: who has the floor, and what went wrong. */

import { ActionIcon, Button } from "@mantine/core";

import { useName } from "../conversation/bubble";
import { plain } from "../conversation/timeline";
import type { Trouble } from "../desk";
import { Face } from "../face";
import { Icon, type IconName } from "../icons";
import { Kbd } from "../keys/use-keys";
import { useNow } from "../now";
import { type Key, useTexts } from "../texts";
import { useTools } from "../tools";
import { type Event, holderOf, type Row, stateOf } from "../wire";
import styles from "./composer.module.css";
import { type Floor, floorOf } from "./floor";

const GLYPHS: Record<Exclude<Floor, "mine" | "colleague">, IconName> = {
  bot: "bot",
  free: "clock",
  paused: "pause",
  resolved: "check",
};

interface FloorProps {
  row: Row;
  floor: Floor;
  /** A reply is being written that would take the conversation over. */
  claiming: boolean;
  onTakeOver: (() => void) | null;
}

export function FloorBar({ row, floor, claiming, onTakeOver }: FloorProps) {
  const { t } = useTexts();
  const { me } = useTools();
  if (floor === "mine") return null;
  const ringing = stateOf(row.control) === "offered" && holderOf(row.control) === me.id;
  const name = row.control.holder_name || t("control.human");
  return (
    <div className={styles.floor} data-floor={floor}>
      {floor === "colleague" ? <Face name={name} kind="agent" size={20} /> : <Icon name={GLYPHS[floor]} />}
      <span className={styles.floorWords}>
        {ringing ? t("composer.ringing") : t(`composer.${floor}`, { name })}
        {claiming && (
          <span className={styles.offer} role="status">
            {t(`composer.claim.${floor}` as Key)} <Kbd keys="Enter" /> {t("composer.claim.keys")}
          </span>
        )}
      </span>
      {onTakeOver && !claiming && (
        <Button size="xs" variant="default" rightSection={<Kbd keys="T" />} onClick={onTakeOver}>
          {t("act.take_over")}
        </Button>
      )}
    </div>
  );
}

interface TroubleProps {
  trouble: Trouble;
  customer: string;
  onAnyway(seq: number): void;
  onKeep: (() => void) | null;
  onDismiss(): void;
}

export function TroubleStrip({ trouble, customer, onAnyway, onKeep, onDismiss }: TroubleProps) {
  const { t } = useTexts();
  return (
    <div className={styles.trouble} data-code={trouble.code} role="alert">
      {trouble.code === "newer" ? (
        <Newer events={trouble.events} customer={customer} onAnyway={onAnyway} />
      ) : (
        <p className={styles.troubleWords}>
          <Icon name={trouble.code === "control" ? "person" : "alert"} />
          {trouble.code === "control" ? <Taken trouble={trouble} /> : <Failed trouble={trouble} />}
        </p>
      )}
      {trouble.code === "control" && onKeep && (
        <Button size="xs" variant="default" onClick={onKeep}>
          {t("composer.keep")}
        </Button>
      )}
      <ActionIcon variant="subtle" size="sm" aria-label={t("composer.dismiss")} onClick={onDismiss}>
        <Icon name="cross" size={12} />
      </ActionIcon>
    </div>
  );
}

function Taken({ trouble }: { trouble: Extract<Trouble, { code: "control" }> }) {
  const texts = useTexts();
  const { me } = useTools();
  const now = useNow(true);
  const { row, kind } = trouble;
  const since = row?.control.since ?? null;
  const holder = row ? floorOf(row, me.id) : "colleague";
  const who = holder === "bot" || holder === "resolved" ? ".bot" : holder === "free" ? ".nobody" : "";
  const key = `composer.taken${kind === null ? ".act" : ""}${who}` as Key;
  const name = row?.control.holder_name || texts.t("control.human");
  return <span>{texts.t(key, { name, ago: since ? texts.ago(since, now) : "" })}</span>;
}

function Failed({ trouble }: { trouble: Extract<Trouble, { code: "failed" }> }) {
  const { t } = useTexts();
  return (
    <span>
      {trouble.text || t("composer.failed")}
      {trouble.request && <span className={styles.request}> {t("composer.request", { id: trouble.request })}</span>}
    </span>
  );
}

function Newer({ events, customer, onAnyway }: { events: readonly Event[]; customer: string; onAnyway(seq: number): void }) {
  const { t } = useTexts();
  return (
    <div className={styles.newer}>
      <p className={styles.troubleWords}>
        <Icon name="alert" />
        {t("composer.newer", { n: events.length })}
      </p>
      <ul>
        {events.map((event) => (
          <Missed key={event.seq} event={event} customer={customer} />
        ))}
      </ul>
      <Button size="xs" variant="default" onClick={() => onAnyway(Math.max(...events.map((event) => event.seq)))}>
        {t("composer.anyway")}
      </Button>
    </div>
  );
}

function Missed({ event, customer }: { event: Event; customer: string }) {
  const { me } = useTools();
  const name = useName(event.author, customer, event.author.id === me.id);
  return (
    <li>
      <b dir="auto">{name}</b> <span dir="auto">{wordsOf(event)}</span>
    </li>
  );
}

function wordsOf({ body }: Event): string {
  switch (body.kind) {
    case "said":
      return plain(body.message.parts);
    case "pressed":
      return body.label ?? "";
    case "noted":
    case "partial":
      return body.text;
    default:
      return "";
  }
}
