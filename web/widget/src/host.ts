// What loader and panel know of each other. Types only: the loader is a script of its own and shares no code.

/** The loader's side: the element on the page. */
export interface Host {
  readonly account: string;
  /** Address of the server, ending in a slash. */
  readonly server: string;
  /** BCP 47 tag of the wanted language. */
  readonly language: string;
  readonly inline: boolean;
  /** The one element inside the shadow root; the panel is put into it. */
  readonly frame: HTMLElement;
  adopt(sheet: CSSStyleSheet): unknown;
  /** Shows at the launcher how much waits there. */
  badge(unread: number, person: string): void;
  /** Not there in the page's own place. */
  readonly launcher: HTMLElement | undefined;
  show(open: boolean, focus: boolean): void;
  emit(event: HostEvent, detail?: unknown): void;
}

export type HostEvent = "ready" | "open" | "close" | "message" | "handoff" | "unread" | "error";

/** The panel's side. */
export interface Panel {
  show(open: boolean, focus: boolean): void;
  send(text: string): void;
  locale(language: string): void;
  destroy(): void;
}

export type Mount = (host: Host) => Panel;

/** `window.frontdesk`. Calls made before the panel is there are kept and made then. */
export interface Frontdesk {
  open(): void;
  close(): void;
  toggle(): void;
  /** Opens the panel and sends `text` as the customer's words. */
  send(text: string): void;
  /** Changes the language, as a BCP 47 tag. */
  locale(tag: string): void;
  on(event: HostEvent, listener: (event: CustomEvent) => void): void;
  off(event: HostEvent, listener: (event: CustomEvent) => void): void;
  /** Takes every chat off the page; nothing of it stays but what the browser keeps for the next visit. */
  destroy(): void;
}

declare global {
  interface Window {
    frontdesk?: Frontdesk;
  }
  /** Name of the panel's file; the build puts it in. */
  const PANEL: string;
}
