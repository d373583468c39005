/** What is going to be sent with the reply, each with its way back. */

import { Icon } from "../icons";
import { useTexts } from "../texts";
import type { Attachment } from "./attached";
import styles from "./composer.module.css";

export function Chips({ files, onRemove }: { files: readonly Attachment[]; onRemove(id: string): void }) {
  const { t } = useTexts();
  if (!files.length) return null;
  return (
    <ul className={styles.chips} aria-label={t("composer.files")}>
      {files.map((file) => (
        <Chip key={file.id} file={file} onRemove={() => onRemove(file.id)} />
      ))}
    </ul>
  );
}

function Chip({ file, onRemove }: { file: Attachment; onRemove(): void }) {
  const texts = useTexts();
  const { t } = texts;
  const { name, size, state, why } = file;
  const bad = state !== "uploading" && state !== "ready";
  const told = {
    uploading: t("composer.uploading"),
    ready: texts.bytes(size),
    large: t("composer.large"),
    lost: t("composer.lost"),
    refused: why,
  }[state];
  return (
    <li className={styles.chip} data-state={bad ? "bad" : state}>
      <Icon name={bad ? "alert" : "file"} size={12} />
      <span className={styles.chipName} dir="auto">
        {name}
      </span>
      <span className={styles.chipMeta} role={bad ? "alert" : "status"}>
        {told}
      </span>
      <button type="button" aria-label={t("composer.remove", { name })} onClick={onRemove}>
        <Icon name="cross" size={12} />
      </button>
    </li>
  );
}
