/** What is on its way to the server, or would not go. */

import { Button } from "@mantine/core";

import type { Sending } from "../desk";
import { Icon } from "../icons";
import { useTexts } from "../texts";
import styles from "./log.module.css";

interface Props {
  sending: Sending;
  onEdit(): void;
  onForget(): void;
}

export function SendingBubble({ sending, onEdit, onForget }: Props) {
  const { t } = useTexts();
  const { kind, state } = sending;
  return (
    <article className={kind === "note" ? styles.note : styles.bubble} data-by="agent" data-own data-last data-sending={state}>
      <div className={kind === "note" ? undefined : styles.said}>
        <p className={styles.sendingText} dir="auto">
          {sending.text}
        </p>
        {sending.files.map((file) => (
          <p key={file.ref} className={styles.sendingFile} dir="auto">
            <Icon name="file" size={12} />
            {file.name}
          </p>
        ))}
      </div>
      {state === "failed" ? (
        <div className={styles.notSent} role="alert">
          <Icon name="alert" size={12} />
          <span>
            {t("send.failed")}: {sending.problem}
          </span>
          <Button variant="subtle" size="xs" onClick={onEdit}>
            {t("send.edit")}
          </Button>
          <Button variant="subtle" size="xs" onClick={onForget}>
            {t("send.delete")}
          </Button>
        </div>
      ) : (
        <p className={styles.onWay}>
          <Icon name="clock" size={12} />
          {t(state === "waiting" ? "send.waiting" : "send.sending")}
        </p>
      )}
    </article>
  );
}
