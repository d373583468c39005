/** A round face: initials for people, a glyph for the bot. No picture is ever fetched. */

import { channelIcon } from "./channel";
import styles from "./face.module.css";
import { Icon } from "./icons";

interface Props {
  name: string;
  kind: "customer" | "agent" | "bot";
  size: 20 | 24 | 28 | 48;
  channel?: string;
}

export function Face({ name, kind, size, channel }: Props) {
  return (
    <span className={styles.face} data-kind={kind} data-size={size} aria-hidden="true">
      {kind === "bot" ? <Icon name="bot" size={size >= 24 ? 16 : 12} /> : initials(name)}
      {channel && (
        <span className={styles.badge}>
          <Icon name={channelIcon(channel)} size={10} />
        </span>
      )}
    </span>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}
