/** What stands between the messages: days, changes of control, notes, what was not sent. */

import { Button } from "@mantine/core";

import { Icon, type IconName } from "../icons";
import { useNow } from "../now";
import { useTexts } from "../texts";
import styles from "./log.module.css";
import type { Item, Line, Tone } from "./timeline";

export function Day({ at }: { at: string }) {
  const texts = useTexts();
  return (
    <p className={styles.day}>
      <span>{texts.day(at, useNow())}</span>
    </p>
  );
}

const GLYPHS: Record<Tone, IconName> = { bot: "bot", human: "person", wait: "clock", plain: "check" };

export function EventLine({ line }: { line: Line }) {
  const texts = useTexts();
  const { t } = texts;
  const toBot = line.key.startsWith("line.returned");
  return (
    <div className={styles.line} data-tone={line.tone}>
      <p className={styles.lineWords}>
        <Icon name={GLYPHS[line.tone]} size={12} />
        <span>{t(line.key, line.values)}</span>
        <time dateTime={line.at} title={texts.moment(line.at)}>
          {texts.time(line.at)}
        </time>
      </p>
      {line.quote && (
        <p className={styles.quote} dir="auto">
          {toBot ? t("line.instruction", { text: line.quote }) : line.quote}
        </p>
      )}
      {line.told && (
        <p className={styles.told} dir="auto">
          {t("said.told", { text: line.told })}
        </p>
      )}
    </div>
  );
}

export function Told({ item }: { item: Extract<Item, { item: "told" }> }) {
  const { t } = useTexts();
  return (
    <div className={styles.line} data-tone="plain">
      <p className={styles.told} dir="auto">
        {t("said.told", { text: item.text })}
      </p>
    </div>
  );
}

export function Note({ note }: { note: Extract<Item, { item: "note" }> }) {
  const texts = useTexts();
  const { t } = texts;
  return (
    <article className={styles.note} data-own={note.own || undefined}>
      <header>
        <Icon name="lock" size={12} />
        <span>
          {t("who.note")} · {note.own ? t("who.you") : note.author.name}
        </span>
        <time dateTime={note.at} title={texts.moment(note.at)}>
          {texts.time(note.at)}
        </time>
      </header>
      <p dir="auto">{note.text}</p>
    </article>
  );
}

export function DiscardedText({ text, onUse }: { text: string; onUse: ((text: string) => void) | null }) {
  const { t } = useTexts();
  return (
    <article className={styles.discarded}>
      <header>
        <Icon name="bot" size={12} />
        <span>{t("discarded.title")}</span>
      </header>
      <p dir="auto">{text}</p>
      {onUse && (
        <Button variant="default" size="xs" onClick={() => onUse(text)}>
          {t("discarded.use")}
        </Button>
      )}
    </article>
  );
}
