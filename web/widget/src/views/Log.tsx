import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { WidgetControlView, WidgetSpeaker } from "../../../shared/schema";
import type { Chat } from "../chat";
import { Glyph } from "../parts/Glyph";
import { isNews } from "../store";
import { useWords } from "../texts";
import { type Row, choosing, speaker, timeline } from "../timeline";
import { Dots, Draft } from "./Draft";
import { Message } from "./Message";

/** A reader this near to the end goes along with what is added. */
const NEAR = 80;
const SEEN_AFTER = 1_000;

export function Log({ chat, open }: { chat: Chat; open: boolean }) {
  const words = useWords();
  const { t } = words;
  const { state } = chat;
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const before = useRef({ first: 0, height: 0, own: 0 });
  const [missed, setMissed] = useState<number | null>(null);

  const { greeting, events, mine, more, control } = state;
  const rows = useMemo(() => timeline(state), [greeting, events, mine, more]);
  const now = useMemo(() => choosing(state, rows), [rows, control, state.wrong]);
  const bot: WidgetSpeaker = { kind: "bot", name: greeting?.name ?? "", ai: true };

  const toEnd = (): void => {
    follows.current = true;
    setMissed(null);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };

  // After what was drawn: follow the end, or keep the reader's place when older messages came in above.
  useLayoutEffect(() => {
    const { current } = box;
    if (!current) return;
    const first = events[0]?.seq ?? 0;
    const { first: was, height, own } = before.current;
    if (mine.length > own) follows.current = true;
    if (was && first < was) current.scrollTop += current.scrollHeight - height;
    else if (follows.current) toEnd();
    before.current = { first, height: current.scrollHeight, own: mine.length };
  });

  // The keyboard of a phone and a growing composer change the box; what opens inside a message changes its content.
  useEffect(() => {
    const observer = new ResizeObserver(() => follows.current && toEnd());
    if (box.current) observer.observe(box.current);
    if (content.current) observer.observe(content.current);
    return () => observer.disconnect();
  }, []);

  const held = useRef(state.seq);
  useEffect(() => {
    const added = events.filter((event) => event.seq > held.current && isNews(event)).length;
    if (added && !follows.current) setMissed((count) => (count ?? 0) + added);
    held.current = Math.max(held.current, state.seq);
  }, [events]);

  const onScroll = (): void => {
    const { current } = box;
    if (!current) return;
    const near = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR;
    follows.current = near;
    if (near) setMissed(null);
    if (current.scrollTop < NEAR && state.more) chat.older();
  };

  useSeen(chat, box, open);

  const lastRow = rows.at(-1);
  const afterBot = lastRow?.row === "said" && speaker(lastRow.by) === "bot";
  return (
    <div class="log-frame">
      {missed !== null && (
        <button type="button" class="newer" onClick={toEnd}>
          <Glyph name="down" size={12} />
          {t("newer", { n: missed })}
        </button>
      )}
      <div class="log" role="log" aria-live="off" aria-label={t("log")} tabIndex={0} ref={box} onScroll={onScroll} onKeyDown={move}>
        <div class="rows" ref={content}>
          {more && (
            <button type="button" class="pill older" onClick={() => chat.older()}>
              {t("older")}
            </button>
          )}
          {rows.map((row) =>
            row.row === "said" ? (
              <Message
                key={row.key}
                row={row}
                choosing={now}
                press={(option) => chat.press(option)}
                submit={(form, values) => chat.submit(form, values)}
                retry={(id) => chat.retry(id)}
                discard={(id) => chat.discard(id)}
              />
            ) : (
              <Between key={row.key} row={row} />
            ),
          )}
          {state.draft ? (
            <Draft
              key={`turn-${state.draft.turn}`}
              draft={state.draft}
              by={bot}
              first={!afterBot}
              stop={() => chat.stopDraft()}
            />
          ) : (
            state.replying > 0 && <Dots key="replying" by={bot} first={!afterBot} text={t("replying")} />
          )}
          {!greeting && !rows.length && <Dots key="begin" by={bot} first text={t("connecting")} />}
          {state.typing?.who.kind === "agent" && (
            <Dots key="typing" by={state.typing.who} first text={t("typing", { name: state.typing.who.name })} />
          )}
        </div>
      </div>
    </div>
  );
}

function Between({ row }: { row: Exclude<Row, { row: "said" }> }) {
  const words = useWords();
  switch (row.row) {
    case "day":
      return <p class="day">{words.day(row.at, new Date())}</p>;
    case "notice":
      return (
        <p class="line notice" tabIndex={-1} dir="auto">
          <span>{row.text}</span>
        </p>
      );
    case "line":
      return (
        <p class={`line ${row.control.state}`} tabIndex={-1}>
          <span dir="auto">{row.text ?? lineText(row.control, words.t)}</span>
        </p>
      );
    default:
      row satisfies never;
      return null;
  }
}

export function lineText(control: WidgetControlView, t: ReturnType<typeof useWords>["t"]): string {
  switch (control.state) {
    case "queued":
      return t("line.queued");
    case "human":
      return t("line.human", { name: control.speaker.kind === "agent" ? control.speaker.name : "" });
    case "bot":
      return t("line.bot");
    case "closed":
      return t("status.closed");
  }
}

/** Up, Down, Home and End go from message to message. */
function move(event: KeyboardEvent): void {
  const log = event.currentTarget as HTMLElement;
  const stops = [...log.querySelectorAll<HTMLElement>("article, .line")];
  const at = stops.findIndex((stop) => stop.contains(event.target as Node));
  const next: Record<string, number> = {
    ArrowUp: at < 0 ? stops.length - 1 : at - 1,
    ArrowDown: at < 0 ? 0 : at + 1,
    Home: 0,
    End: stops.length - 1,
  };
  const to = next[event.key];
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const stop = stops[to];
  if (!stop) return;
  event.preventDefault();
  stop.focus();
}

/** A message is seen once half of it was on the screen for a second, in a page that has the focus. */
function useSeen(chat: Chat, box: { current: HTMLElement | null }, open: boolean): void {
  const { events } = chat.state;
  useEffect(() => {
    if (!open) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      const first = lowest(box.current);
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (document.hasFocus() && document.visibilityState === "visible") chat.read(Math.min(first, lowest(box.current)));
      }, SEEN_AFTER);
    };
    look();
    const { current } = box;
    current?.addEventListener("scroll", look, { passive: true });
    addEventListener("focus", look);
    return () => {
      clearTimeout(timer);
      current?.removeEventListener("scroll", look);
      removeEventListener("focus", look);
    };
  }, [events, open]);
}

/** The highest seq of which half is within the box; 0: none. */
function lowest(box: HTMLElement | null): number {
  if (!box) return 0;
  const view = box.getBoundingClientRect();
  const seen = [...box.querySelectorAll<HTMLElement>("[data-seq]")].reverse().find((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    const half = (top + bottom) / 2;
    return half >= view.top && half <= view.bottom;
  });
  return Number(seen?.dataset["seq"] ?? 0);
}
