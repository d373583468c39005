import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import type { Chat, Told } from "../chat";
import { Glyph } from "../parts/Glyph";
import { Server } from "../parts/Things";
import { type Words, WordsProvider } from "../texts";
import { Composer } from "./Composer";
import { useAfter } from "./Draft";
import { Header } from "./Header";
import { Log } from "./Log";
import { Voice } from "./Voice";

export interface WindowProps {
  readonly chat: Chat;
  readonly words: Words;
  readonly open: boolean;
  /** Counts the openings that should take the focus. */
  readonly focus: number;
  readonly inline: boolean;
  close(): void;
  listen(tell: (told: Told) => void): () => void;
}

const BANNER_AFTER = 1_500;
const SHEET = "(max-width: 480px), (max-height: 520px)";
const FOCUSABLE = "button:not(:disabled), textarea:not(:disabled), a[href], summary, [tabindex='0']";

export function Window({ chat, words, open, focus, inline, close, listen }: WindowProps) {
  const { t } = words;
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const panel = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const sheet = useMatch(SHEET) && !inline;
  useEffect(() => chat.subscribe(() => draw(undefined)), [chat]);

  useLayoutEffect(() => {
    if (!focus) return;
    // A touch keyboard would cover what the reader came for.
    const target = matches("(pointer: coarse)") ? heading.current : input.current;
    target?.focus({ preventScroll: true });
  }, [focus]);

  useLockedPage(sheet && open);
  useKeyboardRoom(panel, sheet && open);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !inline && !event.isComposing) {
      event.stopPropagation();
      close();
    } else if (event.key === "Tab" && sheet) {
      trap(event);
    }
  };

  const { state } = chat;
  const control = state.control?.state ?? "bot";
  const agent = control === "human" && state.control?.speaker.kind === "agent" ? state.control.speaker.name : "";
  return (
    <WordsProvider value={words}>
      <Server.Provider value={chat.server}>
      <section
        id="fd-panel"
        class="panel"
        part="panel"
        ref={panel}
        data-open={open || undefined}
        role={inline ? "region" : "dialog"}
        aria-modal={inline ? undefined : sheet}
        aria-label={t("title", { brand: state.greeting?.brand ?? "" })}
        onKeyDown={onKeyDown}
      >
        <Header state={state} heading={heading} close={inline ? null : close} />
        <Log chat={chat} open={open} />
        <footer class="foot">
          <Banner chat={chat} words={words} />
          {control === "closed" ? (
            <button type="button" class="anew" onClick={() => chat.anew()}>
              {t("anew")}
            </button>
          ) : (
            <Composer
              input={input}
              placeholder={agent ? t("write.to", { name: agent }) : t("write")}
              limit={state.limits?.text_bytes ?? Infinity}
              disabled={chat.line === "blocked"}
              typing={() => chat.typing()}
              send={(text) => chat.say(text)}
              largest={state.limits?.file_bytes ?? Infinity}
              attach={(file) => chat.attach(file)}
            />
          )}
          <div class="below">
            {control === "bot" && (
              <button type="button" class="text" disabled={chat.line === "blocked"} onClick={() => chat.say(t("person.say"))}>
                <Glyph name="person" />
                {t("person")}
              </button>
            )}
          </div>
        </footer>
        <Voice chat={chat} listen={listen} />
      </section>
      </Server.Provider>
    </WordsProvider>
  );
}

/** Only when needed, and not for the blink of a quick reconnect. */
function Banner({ chat, words: { t } }: { chat: Chat; words: Words }) {
  const down = chat.line === "connecting";
  const shown = useAfter(BANNER_AFTER, down);
  if (chat.line === "blocked") return <p class="banner bad">{chat.reason || t("blocked")}</p>;
  if (!down || !shown) return null;
  const unsent = chat.state.mine.some((item) => item.state === "sending");
  if (!navigator.onLine) return <p class="banner">{t(unsent ? "offline.unsent" : "offline")}</p>;
  return <p class="banner">{t(unsent ? "reconnecting" : "connecting")}</p>;
}

function matches(query: string): boolean {
  return typeof matchMedia === "function" && matchMedia(query).matches;
}

function useMatch(query: string): boolean {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    if (typeof matchMedia !== "function") return;
    const list = matchMedia(query);
    const changed = (): void => draw(undefined);
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, [query]);
  return matches(query);
}

/** As a sheet over the whole page it is modal: Tab goes round inside. */
function trap(event: KeyboardEvent): void {
  const panel = event.currentTarget as HTMLElement;
  const stops = [...panel.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((stop) => stop.checkVisibility());
  const present = (panel.getRootNode() as ShadowRoot).activeElement;
  const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (present !== from && stops.includes(present as HTMLElement)) return;
  event.preventDefault();
  to?.focus();
}

/** The page behind a sheet does not scroll. */
function useLockedPage(locked: boolean): void {
  useEffect(() => {
    if (!locked) return;
    const { style } = document.documentElement;
    const was = style.getPropertyValue("overflow");
    style.setProperty("overflow", "hidden");
    return () => style.setProperty("overflow", was);
  }, [locked]);
}

/** Keeps the composer above a phone's keyboard where the page does not shrink by itself. */
function useKeyboardRoom(panel: { current: HTMLElement | null }, sheet: boolean): void {
  useEffect(() => {
    const view = window.visualViewport;
    if (!sheet || !view) return;
    const fit = (): void => {
      panel.current?.style.setProperty("--sheet-height", `${view.height}px`);
      panel.current?.style.setProperty("--sheet-start", `${view.offsetTop}px`);
    };
    fit();
    view.addEventListener("resize", fit);
    view.addEventListener("scroll", fit);
    return () => {
      view.removeEventListener("resize", fit);
      view.removeEventListener("scroll", fit);
    };
  }, [sheet]);
}
