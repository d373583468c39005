/** The conversation's log, from its oldest held event to what is being written right now. */

import { Button } from "@mantine/core";
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { parse } from "../../../shared/markdown";
import type { Sending } from "../desk";
import { Face } from "../face";
import { Icon } from "../icons";
import type { Draft } from "../live/draft";
import type { Typing } from "../live/feed";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Detail } from "../wire";
import { Bubble, type Change } from "./bubble";
import { Day, DiscardedText, EventLine, Note, Told } from "./lines";
import { firstSeq, lastSeq } from "./held";
import styles from "./log.module.css";
import { SendingBubble } from "./sending";
import { type Bubble as BubbleItem, chosen, type Item, plain, timeline } from "./timeline";
import { Words } from "./words";

/** A reader this near to the end goes along with it. */
const NEAR = 80;

interface Props {
  detail: Detail;
  draft: Draft | null;
  typing: Typing | null;
  sending: readonly Sending[];
  /** Seq of a message of the bot that may still reach the customer. */
  inFlight: number | null;
  fetchingOlder: boolean;
  onOlder(): void;
  /** The highest seq that has been on screen. */
  onSeen(seq: number): void;
  onUse: ((text: string) => void) | null;
  onTurn(turn: number): void;
  onChange(bubble: BubbleItem, how: Change): void;
  onEdit(key: string): void;
  onForget(key: string): void;
}

export function Log(props: Props) {
  const { detail, draft, typing, sending, onSeen } = props;
  const { t } = useTexts();
  const { me } = useTools();
  const customer = detail.row.customer;
  const items = useMemo(() => timeline(detail.events, { me: me.id, customer }), [detail.events, me.id, customer]);
  const pressed = useMemo(() => chosen(detail.events), [detail.events]);
  const scroller = useRef<HTMLDivElement>(null);
  const end = lastSeq(detail);
  const { missed, toEnd, onScroll } = useFollowing(scroller, detail, `${draft?.text.length} ${typing?.until}`, sending.length);

  useEffect(() => {
    if (missed === null) onSeen(end);
  }, [missed, end, onSeen]);

  const count = missed === null ? 0 : items.filter((item) => item.seq > missed && (item.item === "bubble" || item.item === "note")).length;
  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.log}
        role="log"
        aria-live="off"
        aria-label={t("conversation.log", { name: customer })}
        tabIndex={0}
        data-log=""
        onScroll={onScroll}
      >
        <div className={styles.items}>
          <Beginning more={detail.more} busy={props.fetchingOlder} onOlder={props.onOlder} />
          {items.map((item) => (
            <ItemView key={`${item.item} ${item.seq}`} conversation={detail.row.id} item={item} customer={customer} pressed={pressed} inFlight={item.seq === props.inFlight} mayDelete={detail.can?.includes("delete") ?? false} onUse={props.onUse} onTurn={props.onTurn} onChange={props.onChange} />
          ))}
          {draft && <DraftBubble draft={draft} />}
          {typing && <TypingLine typing={typing} customer={customer} />}
          {sending.map((one) => (
            <SendingBubble key={one.key} sending={one} onEdit={() => props.onEdit(one.key)} onForget={() => props.onForget(one.key)} />
          ))}
        </div>
      </div>
      {missed !== null && (
        <button type="button" className={styles.newer} onClick={toEnd}>
          <Icon name="down" size={12} />
          {count > 0 ? t("conversation.new", { n: count }) : t("conversation.latest")}
        </button>
      )}
      <Spoken items={items} customer={customer} />
    </div>
  );
}

interface ItemProps {
  conversation: string;
  item: Item;
  customer: string;
  pressed: ReadonlySet<string>;
  inFlight: boolean;
  onUse: Props["onUse"];
  onTurn: Props["onTurn"];
  onChange: Props["onChange"];
  mayDelete: boolean;
}

function ItemView({ conversation, item, customer, pressed, inFlight, onUse, onTurn, onChange, mayDelete }: ItemProps) {
  switch (item.item) {
    case "day":
      return <Day at={item.at} />;
    case "bubble":
      return <Bubble conversation={conversation} bubble={item} customer={customer} chosen={pressed} inFlight={inFlight} onTurn={onTurn} onChange={onChange} mayDelete={mayDelete} />;
    case "note":
      return <Note note={item} />;
    case "line":
      return <EventLine line={item} />;
    case "told":
      return <Told item={item} />;
    case "discarded":
      return <DiscardedText text={item.text} onUse={onUse} />;
    default:
      item satisfies never;
      return null;
  }
}

function Beginning({ more, busy, onOlder }: { more: boolean; busy: boolean; onOlder(): void }) {
  const { t } = useTexts();
  if (!more) return <p className={styles.begin}>{t("conversation.begin")}</p>;
  return (
    <p className={styles.begin}>
      <Button variant="subtle" size="xs" loading={busy} onClick={onOlder}>
        {t("conversation.older")}
      </Button>
    </p>
  );
}

function DraftBubble({ draft }: { draft: Draft }) {
  const { t } = useTexts();
  const spans = useMemo(() => parse(draft.text), [draft.text]);
  return (
    <article className={styles.bubble} data-by="bot" data-first data-last data-draft aria-busy="true" aria-label={t("said.writing")}>
      <header className={styles.who} aria-hidden="true">
        <Face name="" kind="bot" size={20} />
        <span>{t("said.writing")}</span>
      </header>
      <div className={styles.said}>
        <Words spans={spans} end={<span className={styles.caret} />} />
      </div>
    </article>
  );
}

function TypingLine({ typing, customer }: { typing: Typing; customer: string }) {
  const { t } = useTexts();
  const name = typing.who.kind === "customer" ? customer : typing.who.kind === "bot" ? t("who.bot") : (typing.who.name ?? "");
  return (
    <p className={styles.typing} data-by={typing.who.kind}>
      <span className={styles.dots} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {t("said.typing", { name })}
    </p>
  );
}

/** Speaks what arrives while the conversation is open, once and whole; never its history. */
function Spoken({ items, customer }: { items: readonly Item[]; customer: string }) {
  const { t } = useTexts();
  const known = useRef(items.at(-1)?.seq ?? 0);
  const [words, setWords] = useState("");
  useEffect(() => {
    const last = items.at(-1);
    if (!last || last.seq <= known.current) return;
    known.current = last.seq;
    if (last.item === "line") setWords(t(last.key, last.values));
    else if (last.item === "bubble" && !last.own) {
      const name = last.author.kind === "customer" ? customer : last.author.kind === "bot" ? t("who.bot") : (last.author.name ?? "");
      setWords(`${name}: ${plain(last.parts).slice(0, 400)}`);
    }
  }, [items, customer, t]);
  return (
    <p className="hidden" role="status" aria-live="polite">
      {words}
    </p>
  );
}

/** Goes along with the end while the reader is there; else remembers the last seq that was seen. */
function useFollowing(scroller: RefObject<HTMLDivElement | null>, detail: Detail, change: string, sending: number) {
  const following = useRef(true);
  const sent = useRef(sending);
  const [missed, setMissed] = useState<number | null>(null);
  const begin = useRef({ seq: firstSeq(detail), height: 0 });
  const last = useRef(lastSeq(detail));

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    // Whoever says something wants to see it.
    if (sending > sent.current) following.current = true;
    sent.current = sending;
    const first = firstSeq(detail);
    if (following.current) box.scrollTop = box.scrollHeight;
    // Earlier messages were put above: what was read stays where it was.
    else if (first < begin.current.seq) box.scrollTop += box.scrollHeight - begin.current.height;
    begin.current = { seq: first, height: box.scrollHeight };
    if (following.current) last.current = lastSeq(detail);
  }, [scroller, detail, change, sending]);

  // The box itself changes its height when the composer grows or a strip comes.
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const watch = new ResizeObserver(() => {
      if (following.current) box.scrollTop = box.scrollHeight;
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [scroller]);

  function onScroll() {
    const box = scroller.current;
    if (!box) return;
    following.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (following.current) last.current = lastSeq(detail);
    setMissed(following.current ? null : last.current);
  }

  function toEnd() {
    const box = scroller.current;
    if (box) box.scrollTo({ top: box.scrollHeight, behavior: "smooth" });
  }

  return { missed, toEnd, onScroll };
}
