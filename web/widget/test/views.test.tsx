import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { WidgetPart } from "../../shared/schema";
import { Chat, type Told } from "../src/chat";
import { Memory } from "../src/memory";
import { Outbox } from "../src/outbox";
import { load, words as wordsOf } from "../src/texts";
import { Window } from "../src/views/Window";
import { BOT, CUSTOMER, MARA, controlled, draft, said } from "./frames";
import { FakeServer } from "./server";

let server: FakeServer;
let chat: Chat;
let closed: number;
const listeners = new Set<(told: Told) => void>();

beforeEach(async () => {
  server = new FakeServer().install();
  closed = 0;
  chat = new Chat({
    account: "shop",
    server: "https://desk.example/",
    memory: new Memory("shop"),
    outbox: await Outbox.open("shop"),
    language: () => "en",
    tell: (told) => listeners.forEach((listen) => listen(told)),
  });
});

afterEach(() => {
  cleanup();
  chat.stop();
  listeners.clear();
});

async function show(language = "en"): Promise<void> {
  const words = language === "en" ? wordsOf("en") : await load(language);
  render(
    <Window
      chat={chat}
      words={words}
      open
      focus={1}
      inline={false}
      close={() => (closed += 1)}
      listen={(tell) => {
        listeners.add(tell);
        return () => listeners.delete(tell);
      }}
    />,
  );
  chat.start();
  await pass(50);
}

/** Lets time go by, and what it changed be drawn. */
async function pass(ms: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(ms).then(() => undefined));
}

async function type(text: string): Promise<void> {
  const input = screen.getByLabelText("Message");
  fireEvent.input(input, { target: { value: text } });
  await pass(0);
  fireEvent.keyDown(input, { key: "Enter" });
  await pass(20);
}

const articles = (): HTMLElement[] => screen.getAllByRole("article");
const last = (): HTMLElement => articles().at(-1)!;
const status = (): string => screen.getByRole("status").textContent;

describe("the window", () => {
  test("greets, says who speaks, and offers answers and a person", async () => {
    await show();
    expect(screen.getByRole("dialog", { name: "Chat with \u2068Acme Support\u2069" })).toBeTruthy();
    expect(screen.getByRole("heading").textContent).toBe("Acme Support");
    expect(screen.getByText("AI assistant · replies instantly")).toBeTruthy();
    expect(last().textContent).toContain("Hi! How can I help?");
    expect(screen.getByRole("button", { name: "Track order" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Talk to a person" })).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByLabelText("Message"));
  });

  test("sends on Enter, shows the reply coming, and tells when it has arrived", async () => {
    await show();
    await type("Where is order 1043?");
    expect(within(articles().at(-2)!).getByText("Sent")).toBeTruthy();
    expect(last().textContent).toContain("Assistant is replying");
    server.add(said(5, "In Lyon."));
    await pass(20);
    expect(last().textContent).toContain("In Lyon.");
    expect(status()).toBe("\u2068Ada\u2069, AI: In Lyon.");
  });

  test("Shift and Enter, and the Enter of an input method, send nothing", async () => {
    await show();
    const input = screen.getByLabelText("Message");
    fireEvent.input(input, { target: { value: "one" } });
    await pass(0);
    fireEvent.keyDown(input, { key: "Enter", shiftKey: true });
    fireEvent.keyDown(input, { key: "Enter", isComposing: true });
    await pass(20);
    expect(server.frames("say")).toEqual([]);
  });

  test("words beyond the limit are not taken", async () => {
    await show();
    await type("é".repeat(501));
    expect(screen.getAllByRole("alert")[0]!.textContent).toContain("too long");
    expect(server.frames("say")).toEqual([]);
  });

  test("a person is asked for in the visitor's language", async () => {
    await show("fr");
    fireEvent.click(screen.getByRole("button", { name: "Parler à une personne" }));
    await pass(20);
    expect(server.frames("say")[0]?.text).toBe("Je veux parler à une personne");
  });

  test("a chosen answer becomes the customer's words, and the others go", async () => {
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Track order" }));
    await pass(20);
    expect(server.frames("press")).toMatchObject([{ token: "t-track", label: "Track order" }]);
    expect(screen.queryByRole("button", { name: "Track order" })).toBe(null);
    expect(articles().some((article) => article.textContent.includes("You") && article.textContent.includes("Track order"))).toBe(true);
  });

  test("Escape closes it", async () => {
    await show();
    fireEvent.keyDown(screen.getByLabelText("Message"), { key: "Escape" });
    expect(closed).toBe(1);
  });

  test("a cut shows after a moment, and the composer stays", async () => {
    await show();
    server.isDown = true;
    server.cut();
    await pass(50);
    await pass(1_400);
    expect(screen.queryByText("Connecting…")).toBe(null);
    await pass(100);
    expect(screen.getByText("Connecting…")).toBeTruthy();
    await type("Hello");
    expect(screen.getByText("Reconnecting… your message will be sent")).toBeTruthy();
    expect(within(last()).getByText("Sending")).toBeTruthy();
  });

  test("what was refused says so, and can be sent again", async () => {
    await show();
    server.refuses = (frame) =>
      frame.frame === "say" ? { frame: "refused", code: "too_large", text: "Make it shorter.", id: frame.id, wait: null } : null;
    await type("Hello");
    expect(last().textContent).toContain("Not sent Make it shorter.");
    expect(screen.getAllByRole("alert").at(-1)!.textContent).toBe("Not sent. Make it shorter.");
    server.refuses = null;
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    await pass(20);
    expect(screen.queryByText("Not sent")).toBe(null);
    expect(server.frames("say")).toHaveLength(2);
  });
});

describe("drafts", () => {
  test("grow with a caret, can be stopped, and become their message in place", async () => {
    await show();
    server.tell(draft(4, 0, 0, "Order **10"));
    await pass(20);
    const article = last();
    expect(article.getAttribute("aria-busy")).toBe("true");
    server.tell(draft(4, 1, 10, "43** is"));
    await pass(20);
    expect(article.querySelector("strong")?.textContent).toBe("1043");
    expect(screen.queryByRole("button", { name: "Stop" })).toBe(null);
    await pass(1_500);
    fireEvent.click(screen.getByRole("button", { name: "Stop" }));
    expect(server.frames("stop")).toHaveLength(1);

    server.add(said(1, "Order 1043 is in Lyon.", { turn: 4 }));
    await pass(20);
    expect(articles().filter((each) => each.textContent.includes("1043"))).toHaveLength(1);
    expect(last().querySelector(".caret")).toBe(null);
  });

  test("are spoken once, at their end", async () => {
    await show();
    const heard = new Set<string>();
    const observer = new MutationObserver(() => status() && heard.add(status()));
    observer.observe(screen.getByRole("status"), { childList: true, subtree: true, characterData: true });
    for (let n = 0; n < 300; n++) {
      server.tell(draft(4, n, n * 2, "a "));
      await pass(5);
    }
    server.add(said(1, "a ".repeat(300), { turn: 4 }));
    await pass(20);
    expect([...heard]).toEqual([`\u2068Ada\u2069, AI: ${"a ".repeat(200)}… message continues`]);
  });

  test("cut by a person stay as far as they came", async () => {
    await show();
    server.tell(draft(4, 0, 0, "Order 10"));
    server.add({ kind: "partial", seq: 1, at: "2026-03-02T09:00:01Z", text: "Order 10", turn: 4 });
    server.add(controlled(2, "human"));
    await pass(20);
    expect(last().textContent).toContain("Stopped");
    expect(document.querySelector(".line.human")?.textContent).toBe("You are now talking with \u2068Mara\u2069");
  });
});

describe("from bot to human and back", () => {
  test("header, line, placeholder and voice change together", async () => {
    await show();
    server.add(controlled(1, "queued"));
    await pass(20);
    expect(screen.getAllByText("Asking a person to join")).toHaveLength(3);
    expect(screen.queryByRole("button", { name: "Talk to a person" })).toBe(null);

    server.add(controlled(2, "human"));
    server.add(said(3, "Hi, I am Mara.", { by: MARA }));
    await pass(20);
    expect(screen.getByRole("heading").textContent).toBe("Mara");
    expect(screen.getByPlaceholderText("Message \u2068Mara\u2069…")).toBeTruthy();
    expect(status()).toBe("Mara: Hi, I am Mara.");
    expect(last().className).toContain("agent");

    server.tell({ frame: "typing", who: MARA, seconds: 6 });
    await pass(20);
    expect(last().textContent).toContain("\u2068Mara\u2069 is typing");

    server.add(controlled(4, "bot"));
    await pass(20);
    expect(screen.getByRole("heading").textContent).toBe("Acme Support");
    expect(status()).toBe("The assistant is back");
  });

  test("a closed conversation offers a new one", async () => {
    await show();
    server.add(said(1, "Bye.", { by: MARA }));
    server.add(controlled(2, "closed"));
    await pass(20);
    expect(screen.queryByLabelText("Message")).toBe(null);
    server.log = [];
    server.conversation = "c2";
    fireEvent.click(screen.getByRole("button", { name: "Start a new conversation" }));
    await pass(20);
    expect(server.frames("hello").at(-1)).toMatchObject({ conversation: "", after: 0 });
    expect(articles()).toHaveLength(1);
  });
});

const FORM: WidgetPart = {
  part: "form",
  title: "Your order",
  submit: "Order it",
  token: "f1",
  fields: [
    { name: "name", label: "Name", type: "text", required: true, hint: "As on the parcel", options: [], value: "" },
    { name: "size", label: "Size", type: "choice", required: false, hint: "", options: [{ label: "Small", value: "s" }], value: "" },
  ],
};

describe("parts", () => {
  async function draw(...parts: WidgetPart[]): Promise<HTMLElement> {
    server.log = [said(1, parts)];
    await show();
    return last();
  }

  test.each(["javascript:alert(1)", "data:text/html,hi", "vbscript:x", "//evil.example", " https://a.example"])(
    "no link to %j",
    async (link) => {
      const drawn = await draw({ part: "text", spans: [{ text: "click", link }] });
      expect([drawn.querySelector("a"), drawn.textContent.includes("click")]).toEqual([null, true]);
    },
  );

  test("a link shows its host and opens apart from the page", async () => {
    const drawn = await draw({ part: "text", spans: [{ text: "our returns", link: "https://shop.example/returns" }] });
    const link = drawn.querySelector("a")!;
    expect([link.href, link.target, link.rel]).toEqual(["https://shop.example/returns", "_blank", "noopener noreferrer nofollow"]);
    expect(link.textContent).toBe("our returns shop.example (opens in a new tab)");
  });

  test("markup in words is words", async () => {
    const drawn = await draw({ part: "text", spans: [{ text: "<img src=x onerror=alert(1)>" }] });
    expect([drawn.querySelector("img"), drawn.textContent.includes("<img src=x")]).toEqual([null, true]);
  });

  test("lists, quotes, code and headings are what they say", async () => {
    const drawn = await draw({
      part: "text",
      spans: [
        { text: "Steps", marks: ["heading"] },
        { text: "\n\n" },
        { text: "3. Print ", marks: ["item"] },
        { text: "it", marks: ["bold", "item"] },
        { text: "\n" },
        { text: "4. Send it", marks: ["item"] },
        { text: "\n\n" },
        { text: "Keep it", marks: ["quote"] },
        { text: "\n\nOne.\n\nTwo.\n\n" },
        { text: "x = 1", marks: ["fence"] },
      ],
    });
    const bubble = drawn.querySelector(".bubble")!;
    expect([...bubble.children].map((child) => `${child.tagName} ${child.textContent}`)).toEqual([
      "P Steps",
      "OL Print itSend it",
      "BLOCKQUOTE Keep it",
      "P One.",
      "P Two.",
      "PRE x = 1",
    ]);
    expect([bubble.querySelector("ol")?.start, bubble.querySelector("li strong")?.textContent]).toEqual([3, "it"]);
  });

  test("a card's button is pressed once and stays marked", async () => {
    await draw({ part: "card", title: "Order 1043", meta: "Shipped", body: "2 items", options: [{ label: "Track", token: "t" }] });
    fireEvent.click(screen.getByRole("button", { name: "Track" }));
    await pass(20);
    const button = screen.getByRole("button", { name: /^Track.*chosen$/ }) as HTMLButtonElement;
    expect([button.disabled, server.frames("press").length]).toEqual([true, 1]);
  });

  test("a form is filled in where it stands, and becomes the customer's words", async () => {
    const drawn = await draw(FORM);
    fireEvent.input(screen.getByLabelText("Name"), { target: { value: " Ana " } });
    fireEvent.change(screen.getByLabelText("Size optional"), { target: { value: "s" } });
    fireEvent.click(screen.getByRole("button", { name: "Order it" }));
    await pass(20);
    expect(server.frames("submit")).toMatchObject([{ token: "f1", values: { name: "Ana", size: "s" } }]);
    expect(articles().some((article) => article.textContent.includes("Name: Ana\nSize: Small"))).toBe(true);
    expect(drawn.querySelector("fieldset")?.disabled).toBe(true);
    expect(screen.queryByRole("button", { name: "Order it" })).toBe(null);
  });

  test("a form the server sends back says what is wrong, and keeps what was written", async () => {
    await draw(FORM);
    const errors = { name: "Nobody is called that." };
    server.refuses = (frame) =>
      frame.frame === "submit" ? { frame: "refused", code: "invalid", text: "Look again.", id: frame.id, wait: null, errors } : null;
    const name = screen.getByLabelText("Name") as HTMLInputElement;
    fireEvent.input(name, { target: { value: "?" } });
    fireEvent.click(screen.getByRole("button", { name: "Order it" }));
    await pass(20);
    expect(screen.getByText("Nobody is called that.").id).toBe(name.getAttribute("aria-describedby")?.split(" ").at(-1));
    expect([name.value, name.getAttribute("aria-invalid"), document.activeElement]).toEqual(["?", "true", name]);
    server.refuses = null;
    fireEvent.click(screen.getByRole("button", { name: "Order it" }));
    await pass(20);
    expect([server.frames("submit").length, screen.queryByText("Nobody is called that.")]).toEqual([2, null]);
  });

  test("a form without what it needs is not sent", async () => {
    await draw(FORM);
    expect((screen.getByLabelText("Name") as HTMLInputElement).required).toBe(true);
    fireEvent.click(screen.getByRole("button", { name: "Order it" }));
    await pass(20);
    expect(server.frames("submit")).toEqual([]);
  });

  test("a grade is pressed", async () => {
    const options = ["1", "2", "3"].map((label) => ({ label, token: `g${label}` }));
    await draw({ part: "rating", prompt: "How was it?", scale: 3, options });
    fireEvent.click(within(screen.getByRole("group", { name: "How was it?" })).getByRole("button", { name: "3" }));
    await pass(20);
    expect(server.frames("press")).toMatchObject([{ token: "g3", label: "3" }]);
  });

  test("a table has heads, and cards to leaf through their buttons", async () => {
    const cards = ["Lamp", "Chair"].map((title) => ({ part: "card" as const, title, body: "", meta: "", options: [{ label: `Buy ${title}`, token: title }] }));
    const drawn = await draw(
      { part: "table", title: "Prices", columns: ["Item", "Price"], rows: [["Lamp", "19 €"]] },
      { part: "carousel", cards },
    );
    expect(within(drawn).getAllByRole("columnheader").map((cell) => cell.textContent)).toEqual(["Item", "Price"]);
    expect(within(drawn).getByRole("table", { name: "Prices" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Buy Chair" }));
    await pass(20);
    expect(server.frames("press")).toMatchObject([{ token: "Chair" }]);
  });

  test("a file, a place and a person are named and linked, and load nothing", async () => {
    const file = { kind: "image", name: "shoe.jpg", size: 2_048, caption: "The sole.", alt: "a shoe", transcript: "" } as const;
    const drawn = await draw(
      { part: "media", ...file, address: "https://shop.example/shoe.jpg" },
      { part: "media", ...file, alt: "another", address: "javascript:alert(1)" },
      { part: "location", latitude: 1.5, longitude: 2.5, label: "Our shop" },
      { part: "vcard", name: "Mara", phone: "+33 1 23", email: "mara@acme.example" },
    );
    expect([...drawn.querySelectorAll("a")].map((link) => link.getAttribute("href"))).toEqual([
      "https://shop.example/shoe.jpg",
      "https://www.openstreetmap.org/?mlat=1.5&mlon=2.5",
      "tel:+33123",
      "mailto:mara@acme.example",
    ]);
    expect(drawn.textContent).toContain("Picture · 2 KB");
    expect(drawn.querySelector("img, video, audio, iframe")).toBe(null);
  });

  test("sources can be opened, with their host in full", async () => {
    const sources = [
      { title: "Returns", passage: "Within 30 days.", address: "https://help.acme.example/returns" },
      { title: "Shoes", passage: "Unworn.", address: "" },
    ];
    const drawn = await draw({ part: "text", spans: [{ text: "30 days." }] }, { part: "sources", sources });
    expect(within(drawn).getByText("Sources (2)")).toBeTruthy();
    expect([...drawn.querySelectorAll("a")].map((link) => link.textContent)).toEqual(["help.acme.example (opens in a new tab)"]);
  });

  test("a system's notice is a line, not a bubble", async () => {
    server.log = [said(1, [{ part: "notice", key: "hours", text: "We are closed now." }], { by: { kind: "system" } })];
    await show();
    expect(screen.getByText("We are closed now.").closest("p")?.className).toContain("line");
    expect(articles()).toHaveLength(1);
  });
});

test("arrows walk through the messages without leaving the log", async () => {
  server.log = [said(1, "one", { by: CUSTOMER }), said(2, "two", { by: BOT })];
  await show();
  const log = screen.getByRole("log");
  log.focus();
  fireEvent.keyDown(log, { key: "End" });
  expect(document.activeElement?.textContent).toContain("two");
  fireEvent.keyDown(document.activeElement!, { key: "ArrowUp" });
  expect(document.activeElement?.textContent).toContain("one");
});

test("everything is said in the visitor's language", async () => {
  await show("ar");
  await pass(50);
  const visible = document.body.textContent.replace(/Acme Support|Hi! How can I help\?|Track order|Ada/g, "");
  expect(visible.match(/[a-z]{2,}/gi)).toBe(null);
});
