/** Handing back to the bot: how it goes on, and what it should know. */

import { Button, Modal, Radio, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { useTexts } from "../texts";
import { usePlace, useTools } from "../tools";
import type { Detail, How } from "../wire";
import styles from "./conversation.module.css";

const WAYS: readonly How[] = ["resume", "restart", "free"];

interface Props {
  opened: boolean;
  detail: Detail;
  onClose(): void;
}

export function HandBack({ opened, detail, onClose }: Props) {
  const { t } = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t("handback.title")} size={480} closeButtonProps={{ "aria-label": t("close") }}>
      <HandBackForm detail={detail} onClose={onClose} />
    </Modal>
  );
}

function HandBackForm({ detail, onClose }: Omit<Props, "opened">) {
  const { t } = useTexts();
  const { desk } = useTools();
  const { doing } = usePlace(detail.row.id);
  const frame = detail.stack.at(-1);
  const [how, setHow] = useState<How>(frame ? "resume" : "free");
  const [instruction, setInstruction] = useState("");

  const hints: Record<How, string> = {
    resume: frame ? t("handback.resume.at", { flow: frame.flow, step: frame.asking || frame.step || "" }) : t("inspector.noflow"),
    restart: frame ? t("handback.restart.hint") : t("inspector.noflow"),
    free: t("handback.free.hint"),
  };

  function submit(event: FormEvent) {
    event.preventDefault();
    onClose();
    void desk.handBack(detail.row.id, how, instruction.trim());
  }

  return (
    <form className={styles.handback} onSubmit={submit}>
      <Radio.Group label={t("handback.how")} value={how} onChange={(value) => setHow(value as How)}>
        <div className={styles.ways}>
          {WAYS.map((way) => (
            <Radio
              key={way}
              className={styles.way ?? ""}
              value={way}
              label={t(`handback.${way}`)}
              description={hints[way]}
              disabled={!frame && way !== "free"}
              data-autofocus={way === how || undefined}
            />
          ))}
        </div>
      </Radio.Group>
      <Textarea
        label={t("handback.instruction")}
        description={t("handback.instruction.hint")}
        placeholder={t("handback.example")}
        rows={3}
        maxLength={2000}
        value={instruction}
        onChange={(event) => setInstruction(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
        }}
      />
      <p className={styles.after}>{t("handback.after")}</p>
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {t("cancel")}
        </Button>
        <Button type="submit" loading={doing === "hand_back"}>
          {t("handback.submit")}
        </Button>
      </div>
    </form>
  );
}
