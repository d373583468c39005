// The first stage, a classic script without any library: the launcher, the page's functions, and the panel when wanted.
import launcherTexts from "virtual:launcher-texts";
import type { Frontdesk, Host, HostEvent, Mount, Panel } from "./host";
import css from "./loader.css?inline";

const script = document.currentScript as HTMLScriptElement | null;
const BASE = script?.src ?? location.href;
const SVG = "http://www.w3.org/2000/svg";
const TAG = "frontdesk-chat";
const DARK = "(prefers-color-scheme: dark)";
const SPEECH = "M4.2 5.7a2.5 2.5 0 0 1 2.5-2.5h10.6a2.5 2.5 0 0 1 2.5 2.5v7.6a2.5 2.5 0 0 1-2.5 2.5h-5.6L7 19.6v-3.8h-.3a2.5 2.5 0 0 1-2.5-2.5z";

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
let code: Promise<Mount> | undefined;
let present: Chat | undefined;
/** What the page asked for before there was a chat. */
let waiting: ((chat: Chat) => void)[] = [];

/** After a deploy this loader's panel may be gone; `build.json` names the present one. */
function panelCode(): Promise<Mount> {
  const load = (name: string): Promise<Mount> =>
    import(/* @vite-ignore */ new URL(name, BASE).href).then((made: { mount: Mount }) => made.mount);
  code ??= load(PANEL).catch(() =>
    fetch(new URL("build.json", BASE))
      .then((answer) => answer.json() as Promise<{ panel: string }>)
      .then(({ panel }) => load(panel)),
  );
  code.catch(() => (code = undefined));
  return code;
}

function make(name: string, className: string, parent: Node): HTMLElement {
  const element = document.createElement(name);
  element.className = className;
  parent.appendChild(element);
  return element;
}

class Chat extends HTMLElement {
  static observedAttributes = ["theme"];

  #host: Host | undefined;
  #frame: HTMLElement | undefined;
  #panel: Promise<Panel> | undefined;
  #launcher: HTMLElement | undefined;
  #open = false;
  #unread = 0;
  #leave = new AbortController();

  connectedCallback(): void {
    present = this;
    const asked = waiting;
    waiting = [];
    queueMicrotask(() => asked.forEach((act) => act(this)));
    this.#leave = new AbortController();
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const mode = this.getAttribute("mode");
    const inline = mode === "inline";
    root.replaceChildren();
    const frame = make("div", `fd ${mode} ${this.getAttribute("position")}`, root);
    const account = this.getAttribute("account") ?? "";
    const language = wanted(this.getAttribute("locale"));
    frame.dir = /^ar/i.test(language) ? "rtl" : "ltr";
    this.#frame = frame;
    this.#dress();
    matchMedia(DARK).addEventListener("change", () => this.#dress(), { signal: this.#leave.signal });

    if (!inline) this.#launch(frame);
    this.#host = {
      account,
      server: new URL("../", BASE).href,
      language,
      inline,
      frame,
      adopt: (added) => root.adoptedStyleSheets.push(added),
      badge: this.#badge,
      launcher: this.#launcher,
      show: this.show,
      emit: this.#emit,
    };
    if (inline) return this.show(true, false);
    const kept = stored(account);
    this.#badge(kept.unread || 0, "");
    // Someone with a conversation may be answered any moment; the rest wait until the panel is wanted.
    if (kept.conversation) setTimeout(() => this.isConnected && this.#load(), 500);
  }

  attributeChangedCallback(): void {
    this.#dress();
  }

  disconnectedCallback(): void {
    this.#leave.abort();
    this.#panel?.then(
      (panel) => panel.destroy(),
      () => {},
    );
    this.#panel = undefined;
    this.#open = false;
    if (present === this) present = undefined;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  show = (open: boolean, focus = true): void => {
    const host = this.#host;
    if (!host || open === this.#open) return;
    this.#open = open;
    this.#name();
    this.#load((panel) => panel.show(this.#open, focus && this.#open));
    if (!open && focus) this.#launcher?.focus();
    this.#emit(open ? "open" : "close");
  };

  send(text: string): void {
    this.show(true);
    this.#load((panel) => panel.send(text));
  }

  speak(tag: string): void {
    this.setAttribute("locale", tag);
    this.#name();
    if (this.#panel) this.#load((panel) => panel.locale(tag));
  }

  #load(act?: (panel: Panel) => void): void {
    const host = this.#host;
    if (!host) return;
    this.#panel ??= panelCode().then((mount) => mount(host));
    this.#panel.then(act, (why: unknown) => {
      this.#panel = undefined;
      this.#emit("error", { why });
    });
  }

  #launch(frame: HTMLElement): void {
    const button = make("button", "launcher", frame);
    this.#launcher = button;
    // Its label names it whole; what is drawn inside needs none.
    button.setAttribute("part", "launcher");
    button.setAttribute("aria-controls", "fd-panel");
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", SPEECH);
    svg.append(line);
    button.append(svg);
    make("span", "badge", button);
    button.onclick = () => this.show(!this.#open);
    button.onpointerenter = button.onfocus = () => this.#load();
  }

  #badge = (unread: number, person: string): void => {
    this.#unread = unread;
    const button = this.#launcher;
    if (!button) return;
    button.classList.toggle("person", person !== "");
    button.lastElementChild!.textContent = unread > 9 ? "9+" : unread ? String(unread) : "";
    this.#name();
  };

  #name(): void {
    const [open, unread] = launcherTexts[wanted(this.getAttribute("locale")).slice(0, 2).toLowerCase()]!;
    this.#launcher?.setAttribute("aria-label", this.#unread ? unread.replace("{n}", String(this.#unread)) : open);
    this.#launcher?.setAttribute("aria-expanded", String(this.#open));
  }

  /** Light or dark as the page or the system is, and letters that can be read on the page's own accent. */
  #dress(): void {
    const frame = this.#frame;
    if (!frame) return;
    const theme = this.getAttribute("theme") ?? "auto";
    const chosen = theme === "auto" ? getComputedStyle(document.documentElement).colorScheme : theme;
    const dark = chosen === "dark" || (chosen !== "light" && matchMedia(DARK).matches);
    frame.dataset["scheme"] = dark ? "dark" : "light";
    const own = getComputedStyle(frame).getPropertyValue("--fd-accent").trim() !== "";
    frame.classList.toggle("own", own);
    const probe = make("i", "probe", frame);
    frame.classList.toggle("pale", own && isPale(getComputedStyle(probe).color));
    probe.remove();
  }

  #emit = (event: HostEvent, detail?: unknown): void => {
    this.dispatchEvent(new CustomEvent(`frontdesk:${event}`, { detail, bubbles: true, composed: true }));
  };
}

/** Whether white on it would have less than 4.5 : 1. */
function isPale(color: string): boolean {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => (Number(part) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.183;
}

/** The attribute, else the page, else the browser; the first that we speak. */
function wanted(attribute: string | null): string {
  const asked = [attribute, document.documentElement.lang, ...navigator.languages];
  return asked.find((tag) => tag && launcherTexts[tag.slice(0, 2).toLowerCase()]) ?? "en";
}

function stored(account: string): { conversation?: string; unread?: number } {
  try {
    return JSON.parse(localStorage.getItem(`frontdesk:${account}`) ?? "{}") as { conversation?: string; unread?: number };
  } catch {
    return {};
  }
}

function begin(): void {
  const account = script?.dataset["account"];
  if (!account || document.querySelector(TAG)) return;
  const element = document.createElement(TAG);
  for (const [name, value] of Object.entries(script.dataset)) element.setAttribute(name, value ?? "");
  document.body.append(element);
}

if (!window.frontdesk) {
  const listen = (add: "addEventListener" | "removeEventListener"): Frontdesk["on"] => {
    return (event, listener) => document[add](`frontdesk:${event}`, listener as EventListener);
  };
  const ask = (act: (chat: Chat) => void): void => {
    if (present) act(present);
    else waiting.push(act);
  };
  window.frontdesk = {
    open: () => ask((chat) => chat.show(true)),
    close: () => ask((chat) => chat.show(false)),
    toggle: () => ask((chat) => chat.show(!chat.isOpen)),
    send: (text) => ask((chat) => chat.send(text)),
    locale: (tag) => ask((chat) => chat.speak(tag)),
    on: listen("addEventListener"),
    off: listen("removeEventListener"),
    destroy: () => document.querySelectorAll(TAG).forEach((element) => element.remove()),
  };
  customElements.define(TAG, Chat);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
}
