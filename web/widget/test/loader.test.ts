import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

// The script runs once, as on a page; every test then has a page of its own.
beforeAll(async () => {
  class Sheet {
    replaceSync(): void {}
  }
  globalThis.CSSStyleSheet = Sheet as unknown as typeof CSSStyleSheet;
  globalThis.matchMedia = (query: string) => Object.assign(new EventTarget(), { matches: false, media: query }) as MediaQueryList;
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  await import("../src/loader");
});

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
});

afterEach(() => {
  document.body.replaceChildren();
  document.documentElement.lang = "";
});

function chat(attributes: Record<string, string> = {}): HTMLElement {
  const element = document.createElement("frontdesk-chat");
  for (const [name, value] of Object.entries({ account: "shop", ...attributes })) element.setAttribute(name, value);
  document.body.append(element);
  return element;
}

const launcher = (element: HTMLElement): HTMLButtonElement => element.shadowRoot!.querySelector("button")!;
const frame = (element: HTMLElement): HTMLElement => element.shadowRoot!.querySelector<HTMLElement>(".fd")!;

test("the launcher says what it does and what waits", () => {
  localStorage.setItem("frontdesk:shop", JSON.stringify({ conversation: "c1", unread: 12 }));
  const button = launcher(chat());
  expect([button.getAttribute("aria-label"), button.getAttribute("aria-expanded"), button.textContent]).toEqual([
    "Open chat, unread: 12",
    "false",
    "9+",
  ]);
});

test.each([
  ["fr-CA", "", "Ouvrir la discussion", "ltr"],
  ["", "ar", "فتح المحادثة", "rtl"],
  ["xx", "DE", "Chat öffnen", "ltr"],
  ["xx", "yy", "Open chat", "ltr"],
])("attribute %j on a page in %j", (attribute, page, label, direction) => {
  document.documentElement.lang = page;
  const element = chat({ locale: attribute });
  expect([launcher(element).getAttribute("aria-label"), frame(element).dir]).toEqual([label, direction]);
});

test("it asks nothing of anyone until it is wanted", () => {
  const asked = vi.fn();
  vi.stubGlobal("fetch", asked);
  chat();
  vi.advanceTimersByTime(60_000);
  expect(asked).not.toHaveBeenCalled();
});

test("what the page asks for before there is a chat is done when there is", async () => {
  window.frontdesk!.open();
  const element = chat();
  await Promise.resolve();
  expect(launcher(element).getAttribute("aria-expanded")).toBe("true");
});

test("opening and closing are told to the page, and the focus comes back", () => {
  const heard: string[] = [];
  const listen = (event: Event): number => heard.push(event.type);
  window.frontdesk!.on("open", listen);
  window.frontdesk!.on("close", listen);
  const element = chat();
  launcher(element).click();
  window.frontdesk!.close();
  window.frontdesk!.off("open", listen);
  window.frontdesk!.off("close", listen);
  launcher(element).click();
  expect([heard, element.shadowRoot!.activeElement]).toEqual([["frontdesk:open", "frontdesk:close"], launcher(element)]);
});

test("a panel that cannot be had is an error the page hears, and may be asked for again", async () => {
  const element = chat();
  const failed = new Promise<Event>((resolve) => element.addEventListener("frontdesk:error", resolve));
  launcher(element).click();
  vi.useRealTimers();
  expect((await failed).type).toBe("frontdesk:error");
});

test.each([
  ["dark", "", "dark"],
  ["auto", "dark", "dark"],
  ["auto", "", "light"],
  ["light", "dark", "light"],
])("theme %j on a page with color-scheme %j is %s", (theme, declared, scheme) => {
  document.documentElement.style.setProperty("color-scheme", declared);
  const element = chat({ theme });
  document.documentElement.style.removeProperty("color-scheme");
  expect(frame(element).dataset["scheme"]).toBe(scheme);
});

test("the theme may be changed later", () => {
  const element = chat({ theme: "light" });
  element.setAttribute("theme", "dark");
  expect(frame(element).dataset["scheme"]).toBe("dark");
});

test("taken off and put back it is whole again", () => {
  const element = chat();
  for (let n = 0; n < 50; n++) {
    element.remove();
    document.body.append(element);
  }
  expect(element.shadowRoot!.querySelectorAll("button")).toHaveLength(1);
  window.frontdesk!.destroy();
  expect(document.querySelector("frontdesk-chat")).toBe(null);
});
