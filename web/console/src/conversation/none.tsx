import { Kbd } from "../keys/use-keys";
import { useTexts } from "../texts";
import styles from "./conversation.module.css";

export function NoConversation() {
  const { t } = useTexts();
  return (
    <div className={styles.nothing}>
      <p>{t("conversation.none")}</p>
      <p className={styles.hint}>
        <Kbd keys="J" /> {t("conversation.none.hint")}
      </p>
    </div>
  );
}
