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
import { Chips } from "./chips";
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
  const { attached, desk, link, unsent } = useTools();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSyncExternalStore(unsent.subscribe, () => unsent.text(row.id, kind));
  const files = useSyncExternalStore(attached.subscribe, () => attached.list(row.id));
  const picker = useRef<HTMLInputElement>(null);
  const claim = kind === "reply" && claims(floor);
  const barred = kind === "reply" && !mayReply(floor);
  const going = kind === "reply" ? files : [];
  const empty = text.trim() === "" && !going.length;
  // What did not come through is in sight, and is not left behind unnoticed.
  const broken = going.some((file) => file.state !== "ready" && file.state !== "uploading");
  const waiting = useRef(false);

  // At once: the keys that follow belong into the text, and must not be taken for acts.
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }));

  /** Waits for files that are still on their way. */
  async function send(seq = seen()): Promise<boolean> {
    if (empty || barred || broken || waiting.current) return false;
    if (going.length) {
      waiting.current = true;
      const ready = await attached.areReady(row.id);
      waiting.current = false;
      if (!ready || !attached.list(row.id).length) return false;
    }
    return desk.send(row.id, kind, { claim, seen: seq });
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

  /** Whatever it was dropped on or pasted into: files go to the customer, and so into a reply. */
  function attach(chosen: FileList | null | undefined): boolean {
    if (!chosen?.length || !mayReply(floor)) return false;
    if (kind === "note") onKind("reply");
    attached.add(row.id, chosen);
    return true;
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
      <div
        className={styles.box}
        onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
        onDrop={(event) => {
          if (event.dataTransfer.files.length) event.preventDefault();
          attach(event.dataTransfer.files);
        }}
      >
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
          onPaste={(event) => attach(event.clipboardData.files) && event.preventDefault()}
        />
        {kind === "reply" && <Chips files={files} onRemove={(id) => attached.remove(row.id, id)} />}
        <div className={styles.bottom}>
          {kind === "reply" && (
            <>
              <button type="button" className={styles.attach} disabled={barred} aria-label={t("composer.attach")} title={t("composer.attach")} onClick={() => picker.current?.click()}>
                <Icon name="clip" />
              </button>
              <input
                ref={picker}
                type="file"
                multiple
                hidden
                data-attach=""
                onChange={(event) => {
                  attach(event.currentTarget.files);
                  event.currentTarget.value = "";
                  field.current?.focus();
                }}
              />
            </>
          )}
          <Button
            size="xs"
            disabled={empty || barred || broken}
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
