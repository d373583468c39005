import { Button } from "@mantine/core";
import { useNavigate } from "react-router";

import { useTexts } from "../texts";
import styles from "./unknown.module.css";

export function Unknown() {
  const { t } = useTexts();
  const navigate = useNavigate();
  return <Message title={t("unknown.title")} act={t("unknown.home")} onAct={() => void navigate("/inbox/needs-reply")} />;
}

/** One sentence and one thing to do. */
export function Message({ title, act, onAct }: { title: string; act: string; onAct(): void }) {
  return (
    <main className={styles.message}>
      <h1 className={styles.title}>{title}</h1>
      <Button variant="default" onClick={onAct}>
        {act}
      </Button>
    </main>
  );
}
