/** Who this is, who has it, and what can be done with it. What does not fit is in the menu. */

import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";

import { channelName } from "../channel";
import { ControlChip } from "../control-chip";
import type { Act } from "../desk";
import { Face } from "../face";
import { Icon, type IconName } from "../icons";
import { Kbd } from "../keys/use-keys";
import { useNow } from "../now";
import { type Key, useTexts } from "../texts";
import { type Row, stateOf } from "../wire";
import styles from "./conversation.module.css";
import { reasonKey } from "./timeline";

interface Props {
  row: Row;
  viewers: readonly string[];
  doing: Act | null;
  sideOpen: boolean;
  onTakeOver: (() => void) | null;
  onHandBack: (() => void) | null;
  onResolve: (() => void) | null;
  onSide(): void;
  onBack: (() => void) | null;
}

export function Header(props: Props) {
  const { row, viewers, onBack } = props;
  const { t } = useTexts();
  const narrow = useMediaQuery("(max-width: 599px)", false, { getInitialValueInEffect: false });
  return (
    <header className={styles.header}>
      {onBack && (
        <ActionIcon variant="subtle" size={narrow ? "lg" : "md"} aria-label={t("nav.back")} onClick={onBack}>
          <Icon name="back" />
        </ActionIcon>
      )}
      {!narrow && <Face name={row.customer} kind="customer" size={28} channel={row.channel} />}
      <div className={styles.who}>
        <h2 className={styles.name}>
          <bdi>{row.customer}</bdi>
        </h2>
        <div className={styles.meta}>
          <ControlChip row={row} />
          <About row={row} />
          {viewers.length > 0 && <Viewers names={viewers} />}
        </div>
      </div>
      <Acts {...props} narrow={narrow} />
    </header>
  );
}

function About({ row }: { row: Row }) {
  const texts = useTexts();
  const { t } = texts;
  const now = useNow();
  const words = [
    row.reason && stateOf(row.control) !== "bot" ? t(reasonKey("reason", row.reason)) : "",
    row.waiting_since ? t("row.waiting", { wait: texts.span(now - Date.parse(row.waiting_since)) }) : "",
    channelName(row.channel, t),
    row.language ? texts.languageName(row.language) : "",
  ];
  return <span className={styles.about}>{words.filter(Boolean).join(" · ")}</span>;
}

function Viewers({ names }: { names: readonly string[] }) {
  const texts = useTexts();
  const label = texts.t("viewers", { n: names.length, names: texts.list(names) });
  return (
    <Tooltip label={label}>
      <span className={styles.viewers} role="img" aria-label={label}>
        <Icon name="eye" size={12} />
        <span className={styles.faces}>
          {names.slice(0, 3).map((name) => (
            <Face key={name} name={name} kind="agent" size={20} />
          ))}
        </span>
      </span>
    </Tooltip>
  );
}

interface Doable {
  act: Exclude<Act, "revise" | "withdraw">;
  icon: IconName;
  keys: string;
  run: () => void;
}

function Acts({ doing, sideOpen, onTakeOver, onHandBack, onResolve, onSide, narrow }: Props & { narrow: boolean }) {
  const { t } = useTexts();
  const candidates: (Omit<Doable, "run"> & { run: (() => void) | null })[] = [
    { act: "take_over", icon: "take", keys: "T", run: onTakeOver },
    { act: "hand_back", icon: "return", keys: "Shift+T", run: onHandBack },
    { act: "resolve", icon: "check", keys: "E", run: onResolve },
  ];
  const acts = candidates.filter((one): one is Doable => one.run !== null);
  const [first, ...others] = acts;
  return (
    <div className={styles.acts}>
      {(narrow ? [first] : acts).map(
        (one) =>
          one && (
            <Button
              key={one.act}
              size="xs"
              variant={one.act === "take_over" ? "filled" : "default"}
              loading={doing === one.act}
              disabled={doing !== null && doing !== one.act}
              leftSection={narrow ? null : <Icon name={one.icon} />}
              rightSection={narrow ? null : <Kbd keys={one.keys} />}
              onClick={one.run}
            >
              {t(`act.${one.act}`)}
            </Button>
          ),
      )}
      {narrow ? (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" size="lg" aria-label={t("act.more")}>
              <Icon name="more" size={20} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((one) => (
              <Menu.Item key={one.act} leftSection={<Icon name={one.icon} />} onClick={one.run}>
                {t(`act.${one.act}`)}
              </Menu.Item>
            ))}
            <Menu.Item leftSection={<Icon name="side" />} onClick={onSide}>
              {t("nav.side")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        <Toggle label="act.side" keys="]" icon="side" pressed={sideOpen} onClick={onSide} />
      )}
    </div>
  );
}

function Toggle({ label, keys, icon, pressed, onClick }: { label: Key; keys: string; icon: IconName; pressed: boolean; onClick(): void }) {
  const { t } = useTexts();
  return (
    <Tooltip label={<>{t(label)}<Kbd keys={keys} /></>}>
      <ActionIcon variant="subtle" aria-label={t(label)} aria-pressed={pressed} onClick={onClick}>
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}
