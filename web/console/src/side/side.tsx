/** What stands beside a conversation: the customer, and what the bot did and why. */

import { ActionIcon, Tabs } from "@mantine/core";
import { useEffect, useRef } from "react";

import { Icon } from "../icons";
import type { Draft } from "../live/draft";
import type { Pane } from "../routes/panes";
import { useTexts } from "../texts";
import type { Detail } from "../wire";
import { CustomerTab } from "./customer";
import { Inspector } from "./inspector";
import styles from "./side.module.css";

export type Tab = "customer" | "inspector";

interface Props {
  pane: Pane;
  detail: Detail;
  tab: Tab;
  onTab(tab: Tab): void;
  /** The turn that was asked about. */
  turn: number | null;
  draft: Draft | null;
  onClose(): void;
}

export function Side({ pane, detail, tab, onTab, turn, draft, onClose }: Props) {
  const { t } = useTexts();
  const box = useRef<HTMLElement>(null);
  const over = pane === "over";

  useEffect(() => {
    if (over) box.current?.focus();
  }, [over]);

  return (
    <aside
      ref={box}
      tabIndex={-1}
      className={styles.side}
      data-pane={pane}
      aria-label={t("nav.side")}
      onKeyDown={(event) => {
        if (event.key === "Escape" && over) onClose();
      }}
    >
      <Tabs value={tab} onChange={(value) => onTab(value as Tab)} className={styles.tabs ?? ""} keepMounted={false}>
        <div className={styles.head}>
          <Tabs.List>
            <Tabs.Tab value="customer">{t("side.customer")}</Tabs.Tab>
            <Tabs.Tab value="inspector">{t("side.inspector")}</Tabs.Tab>
          </Tabs.List>
          {over && (
            <ActionIcon variant="subtle" aria-label={t("close")} onClick={onClose}>
              <Icon name="cross" />
            </ActionIcon>
          )}
        </div>
        <Tabs.Panel value="customer" className={styles.panel ?? ""}>
          <CustomerTab detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="inspector" className={styles.panel ?? ""}>
          <Inspector detail={detail} turn={turn} draft={draft} />
        </Tabs.Panel>
      </Tabs>
    </aside>
  );
}
