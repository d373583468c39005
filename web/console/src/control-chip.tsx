/** Who may speak now: colour, glyph and word together. */

import { Face } from "./face";
import { Icon, type IconName } from "./icons";
import { useTexts } from "./texts";
import { useTools } from "./tools";
import styles from "./control-chip.module.css";
import { type ControlState, holderOf, type Row, stateOf } from "./wire";

export type ControlTone = "bot" | "human" | "wait" | "plain";

const TONES: Record<ControlState, ControlTone> = {
  bot: "bot",
  queued: "wait",
  offered: "wait",
  human: "human",
  wrap_up: "human",
  paused: "plain",
};

const ICONS: Record<Exclude<ControlState, "human">, IconName> = {
  bot: "bot",
  queued: "clock",
  offered: "ring",
  wrap_up: "pen",
  paused: "pause",
};

type Held = Pick<Row, "control" | "status">;

const isResolved = ({ control, status }: Held): boolean => status === "resolved" && stateOf(control) !== "wrap_up";

export const toneOf = (row: Held): ControlTone => (isResolved(row) ? "plain" : TONES[stateOf(row.control)]);

export function ControlChip({ row }: { row: Held }) {
  const { t } = useTexts();
  const { me } = useTools();
  const state = stateOf(row.control);
  const name = row.control.holder_name || t("control.human");
  if (isResolved(row)) {
    return (
      <span className={styles.chip} data-tone="plain">
        <Icon name="check" size={12} />
        {t("control.resolved")}
      </span>
    );
  }
  if (state === "human") {
    return (
      <span className={styles.chip} data-tone="human">
        <Face name={name} kind="agent" size={20} />
        <span className={styles.name}>{holderOf(row.control) === me.id ? t("control.you") : name.split(" ")[0]}</span>
      </span>
    );
  }
  return (
    <span className={styles.chip} data-tone={TONES[state]}>
      <Icon name={ICONS[state]} size={12} />
      {t(`control.${state}`)}
    </span>
  );
}
