/** The queue: a list box of conversations, of which only the visible ones are in the page. */

import { ActionIcon, Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { Icon } from "../icons";
import { Kbd, useKey } from "../keys/use-keys";
import { useTexts } from "../texts";
import type { View } from "../wire";
import styles from "./queue.module.css";
import { QueueRow } from "./row";
import type { RowList } from "./use-rows";
import { ViewMenu } from "./views";

const ROW = 72;

interface Props {
  list: RowList;
  view: View;
  selected: string | null;
  words: string;
  /** The pane of views is not there: the heading opens them. */
  chooseView: boolean;
  onOpen(id: string): void;
  onSearch(words: string): void;
}

export function Queue({ list, view, selected, words, chooseView, onOpen, onSearch }: Props) {
  const { t } = useTexts();
  return (
    <>
      <Head view={view} words={words} chooseView={chooseView} onSearch={onSearch} />
      <div className={styles.body}>
        {list.updates > 0 && (
          <button type="button" className={styles.pill} onClick={list.release}>
            {t("queue.updates", { n: list.updates })}
          </button>
        )}
        {list.loading ? (
          <Skeletons />
        ) : list.failed ? (
          <div className={styles.empty} role="alert">
            <p>{t("queue.failed")}</p>
            <Button variant="default" size="xs" onClick={list.retry}>
              {t("queue.retry")}
            </Button>
          </div>
        ) : list.rows.length === 0 ? (
          <Empty view={view} words={words} onClear={() => onSearch("")} />
        ) : (
          <Rows list={list} view={view} selected={selected} onOpen={onOpen} />
        )}
      </div>
    </>
  );
}

function Head({ view, words, chooseView, onSearch }: Pick<Props, "view" | "words" | "chooseView" | "onSearch">) {
  const { t } = useTexts();
  const [searching, setSearching] = useState(words !== "");
  const input = useRef<HTMLInputElement>(null);

  useKey("search", () => {
    setSearching(true);
    input.current?.focus();
  });

  function close() {
    setSearching(false);
    onSearch("");
  }

  return (
    <header className={styles.head}>
      {searching ? (
        <div className={styles.search} role="search">
          <Icon name="search" />
          <input
            ref={input}
            type="search"
            autoFocus
            defaultValue={words}
            aria-label={t("queue.search")}
            placeholder={t("queue.search")}
            onChange={(event) => onSearch(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") close();
            }}
          />
          <ActionIcon variant="subtle" size="sm" aria-label={t("queue.clear")} onClick={close}>
            <Icon name="cross" />
          </ActionIcon>
        </div>
      ) : (
        <>
          {chooseView ? <ViewMenu view={view} /> : <h2 className={styles.title}>{t(`view.${view}`)}</h2>}
          <ActionIcon variant="subtle" aria-label={t("queue.search")} title={`${t("queue.search")}  /`} onClick={() => setSearching(true)}>
            <Icon name="search" />
          </ActionIcon>
        </>
      )}
    </header>
  );
}

function Rows({ list, view, selected, onOpen }: Pick<Props, "list" | "view" | "selected" | "onOpen">) {
  const { t } = useTexts();
  const scroller = useRef<HTMLDivElement>(null);
  const { rows } = list;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const index = rows.findIndex((row) => row.id === selected);
  const reached = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
  }, [index, virtual]);

  const { more, loadMore } = list;
  useEffect(() => {
    if (more && reached >= rows.length - 10) loadMore();
  }, [more, reached, rows.length, loadMore]);

  function onKeyDown(event: KeyboardEvent) {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.altKey) return;
    event.preventDefault();
    const row = rows[Math.min(Math.max(index + by, 0), rows.length - 1)];
    if (row) onOpen(row.id);
  }

  return (
    <div
      ref={scroller}
      className={styles.rows}
      role="listbox"
      tabIndex={0}
      aria-label={t("queue.list", { view: t(`view.${view}`) })}
      aria-activedescendant={index >= 0 ? `row-${selected}` : undefined}
      onKeyDown={onKeyDown}
      {...list.pointer}
    >
      <div role="presentation" className={styles.run} style={{ blockSize: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          return (
            row && (
              <QueueRow
                key={row.id}
                row={row}
                offset={item.start}
                place={item.index + 1}
                count={more ? -1 : rows.length}
                selected={row.id === selected}
                gone={list.gone.has(row.id)}
                onOpen={onOpen}
              />
            )
          );
        })}
      </div>
      {more && <p className={styles.more}>{t("queue.more")}</p>}
    </div>
  );
}

function Skeletons() {
  const { t } = useTexts();
  return (
    <div className={styles.skeletons} role="status" aria-label={t("app.loading")}>
      {Array.from({ length: 6 }, (_, index) => (
        <span key={index} className={styles.skeleton} aria-hidden="true">
          <i />
          <b />
          <b />
        </span>
      ))}
    </div>
  );
}

/** One sentence, one thing to do, and its key. */
function Empty({ view, words, onClear }: { view: View; words: string; onClear(): void }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  if (words) {
    return (
      <div className={styles.empty}>
        <p>{t("empty.search", { words })}</p>
        <Button variant="default" size="xs" onClick={onClear}>
          {t("empty.clear")}
        </Button>
      </div>
    );
  }
  const other = view === "needs-reply" || view === "unassigned" ? "bot" : "needs-reply";
  return (
    <div className={styles.empty}>
      <span className={styles.emptyMark}>
        <Icon name={view === "needs-reply" || view === "unassigned" ? "check" : "inbox"} />
      </span>
      <p>{t(`empty.${view}`)}</p>
      <Button
        variant="default"
        size="xs"
        rightSection={<kbd>G <Kbd keys={other === "bot" ? "B" : "I"} /></kbd>}
        onClick={() => void navigate(`/inbox/${other}`)}
      >
        {t(other === "bot" ? "empty.watch" : "empty.needs")}
      </Button>
    </div>
  );
}
