/**
 * Where an agent writes: to the customer, or to colleagues.
 *
 * Nothing is said over whoever has the floor: a reply from outside it takes the conversation over, and says so before.
 */

import { Button } from "@mantine/core";
import { type KeyboardEvent, type Ref, useImperativeHandle, useRef, useSyncExternalStore } from "react";

import type { Trouble } from "../desk";
import { Icon } from "../icons";
import { Kbd } from "../keys/use-keys";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Row } from "../wire";
import styles from "./composer.module.css";
import { claims, type Floor, type Kind, mayReply } from "./floor";
import { FloorBar, TroubleStrip } from "./strips";

export interface ComposerHandle {
  focus(): void;
}

interface Props {
  ref: Ref<ComposerHandle>;
  row: Row;
  floor: Floor;
  kind: Kind;
  onKind(kind: Kind): void;
  trouble: Trouble | null;
  /** The highest seq on the agent's screen. */
  seen(): number;
  onTakeOver: (() => void) | null;
  onNext(): void;
}

export function Composer({ ref, row, floor, kind, onKind, trouble, seen, onTakeOver, onNext }: Props) {
  const { t } = useTexts();
  const { desk, link, unsent } = useTools();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSyncExternalStore(unsent.subscribe, () => unsent.text(row.id, kind));
  const claim = kind === "reply" && claims(floor);
  const empty = text.trim() === "";
  const barred = kind === "reply" && !mayReply(floor);

  // At once: the keys that follow belong into the text, and must not be taken for acts.
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }));

  function send(seq = seen()): Promise<boolean> {
    return empty || barred ? Promise.resolve(false) : desk.send(row.id, kind, { claim, seen: seq });
  }

  async function sendAndResolve() {
    if ((await send()) && (await desk.resolve(row.id, ""))) onNext();
  }

  /** What may no longer be said to the customer can still be of use to colleagues. */
  function keepAsNote() {
    unsent.write(row.id, "reply", "");
    unsent.append(row.id, "note", text);
    desk.dismiss(row.id);
    onKind("note");
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const mod = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-log]")?.focus();
    } else if (event.key === "Enter" && mod) {
      event.preventDefault();
      void (event.shiftKey && kind === "reply" ? sendAndResolve() : send());
    } else if (event.key === "Enter" && claim && !empty && !event.shiftKey && !event.altKey) {
      // The offer to take over stands above the text: Enter takes it.
      event.preventDefault();
      void send();
    }
  }

  return (
    <div className={styles.composer} data-kind={kind}>
      {trouble && (
        <TroubleStrip
          trouble={trouble}
          customer={row.customer}
          onAnyway={(seq) => void send(seq)}
          onKeep={barred && !empty ? keepAsNote : null}
          onDismiss={() => desk.dismiss(row.id)}
        />
      )}
      <FloorBar row={row} floor={floor} claiming={claim && !empty} onTakeOver={onTakeOver} />
      <div className={styles.box}>
        <div className={styles.top}>
          <Kinds kind={kind} reply={mayReply(floor) || unsent.text(row.id, "reply") !== ""} onKind={onKind} />
          {kind === "note" && (
            <span className={styles.private}>
              <Icon name="lock" size={12} />
              {t("composer.private")}
            </span>
          )}
        </div>
        <textarea
          ref={field}
          className={styles.field}
          rows={2}
          dir={empty ? undefined : "auto"}
          value={text}
          maxLength={8000}
          aria-label={t(kind === "note" ? "composer.note" : "composer.reply")}
          placeholder={kind === "note" ? t("composer.placeholder.note") : t("composer.placeholder.reply", { name: row.customer })}
          onChange={(event) => {
            unsent.write(row.id, kind, event.currentTarget.value);
            if (kind === "reply") link.typing(row.id);
          }}
          onKeyDown={onKeyDown}
        />
        <div className={styles.bottom}>
          <Button
            size="xs"
            disabled={empty || barred}
            className={kind === "note" ? styles.add : undefined}
            rightSection={<Kbd keys={claim ? "Enter" : "Mod+Enter"} />}
            onClick={() => void send()}
          >
            {t(kind === "note" ? "composer.add" : claim ? "composer.send.claim" : "composer.send")}
          </Button>
        </div>
      </div>
    </div>
  );
}

function Kinds({ kind, reply, onKind }: { kind: Kind; reply: boolean; onKind(kind: Kind): void }) {
  const { t } = useTexts();
  return (
    <div className={styles.kinds} role="radiogroup" aria-label={t("composer.kind")}>
      <button type="button" role="radio" aria-checked={kind === "reply"} disabled={!reply} onClick={() => onKind("reply")}>
        {t("composer.reply")}
        <Kbd keys="R" />
      </button>
      <button type="button" role="radio" aria-checked={kind === "note"} onClick={() => onKind("note")}>
        <Icon name="lock" size={12} />
        {t("composer.note")}
        <Kbd keys="N" />
      </button>
    </div>
  );
}
