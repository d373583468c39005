/** An action that waits for a person to agree: what it is, and one press for either answer. */

import { Button } from "@mantine/core";

import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Row, Verdict } from "../wire";
import styles from "./conversation.module.css";

export function Judging({ row }: { row: Row }) {
  const { t } = useTexts();
  const { desk } = useTools();
  const judge = (verdict: Verdict) => void desk.handBack(row.id, "resume", "", verdict);
  return (
    <section className={styles.judging} aria-label={t("approve.title")}>
      <div>
        <p>{t("approve.title")}</p>
        <code dir="ltr">{row.note}</code>
      </div>
      <div className={styles.buttons}>
        <Button variant="default" onClick={() => judge("refuse")}>
          {t("approve.refuse")}
        </Button>
        <Button onClick={() => judge("approve")}>{t("approve.approve")}</Button>
      </div>
    </section>
  );
}
