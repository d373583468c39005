/** Changing what was sent: writing it anew, or taking it back. */

import { Button, Modal, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Detail } from "../wire";
import type { Change } from "./bubble";
import styles from "./conversation.module.css";
import { source } from "./source";
import { type Bubble, plain } from "./timeline";

export interface Changed {
  bubble: Bubble;
  how: Change;
}

interface Props {
  changing: Changed | null;
  detail: Detail;
  onClose(): void;
}

export function Changing({ changing, detail, onClose }: Props) {
  const { t } = useTexts();
  return (
    <Modal
      opened={changing !== null}
      onClose={onClose}
      title={changing && t(changing.how === "edit" ? "change.edit" : "change.delete")}
      size={480}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      {changing?.how === "edit" && <Anew key={changing.bubble.seq} bubble={changing.bubble} detail={detail} onClose={onClose} />}
      {changing?.how === "delete" && <Back bubble={changing.bubble} detail={detail} onClose={onClose} />}
    </Modal>
  );
}

type FormProps = Omit<Props, "changing"> & { bubble: Bubble };

function Anew({ bubble, detail, onClose }: FormProps) {
  const { t } = useTexts();
  const { desk } = useTools();
  const was = bubble.parts.map((part) => (part.part === "text" ? source(part.spans) : "")).join("\n\n");
  const [text, setText] = useState(was);
  const same = !text.trim() || text.trim() === was.trim();

  function submit(event: FormEvent) {
    event.preventDefault();
    if (same) return;
    onClose();
    void desk.revise(detail.row.id, bubble.seq, text.trim());
  }

  return (
    <form className={styles.handback} onSubmit={submit}>
      <Textarea
        label={t("change.text")}
        rows={6}
        value={text}
        data-autofocus
        dir="auto"
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
        }}
      />
      <p className={styles.after}>{t(detail.can?.includes("edit") ? "change.edit.hint" : "change.correction.hint")}</p>
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {t("cancel")}
        </Button>
        <Button type="submit" disabled={same}>
          {t("change.save")}
        </Button>
      </div>
    </form>
  );
}

function Back({ bubble, detail, onClose }: FormProps) {
  const { t } = useTexts();
  const { desk } = useTools();

  function submit(event: FormEvent) {
    event.preventDefault();
    onClose();
    void desk.withdraw(detail.row.id, bubble.seq);
  }

  return (
    <form className={styles.handback} onSubmit={submit}>
      <blockquote className={styles.quoted} dir="auto">
        {plain(bubble.parts)}
      </blockquote>
      <p className={styles.after}>{t("change.delete.hint")}</p>
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose} data-autofocus>
          {t("cancel")}
        </Button>
        <Button type="submit" color="red">
          {t("said.delete")}
        </Button>
      </div>
    </form>
  );
}
