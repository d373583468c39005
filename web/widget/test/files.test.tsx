import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { WidgetMediaView, WidgetPart } from "../../shared/schema";
import { Chat } from "../src/chat";
import { Memory } from "../src/memory";
import { Outbox } from "../src/outbox";
import { words } from "../src/texts";
import { Window } from "../src/views/Window";
import { CUSTOMER, MARA, said } from "./frames";
import { FakeServer, type FakeUpload } from "./server";

let server: FakeServer;
let chat: Chat;
const PHOTO = new File(["a shoe"], "shoe.png", { type: "image/png" });
const SIGNED = "api/widget/files/abc.65f.sig/shoe.png";

beforeEach(async () => {
  server = new FakeServer().install();
  const options = { account: "shop", server: "https://desk.example/", memory: new Memory("shop"), outbox: await Outbox.open("shop") };
  chat = new Chat({ ...options, language: () => "en", tell: () => {} });
  render(<Window chat={chat} words={words("en")} open focus={1} inline={false} close={() => {}} listen={() => () => {}} />);
  chat.start();
  await pass(50);
});

afterEach(() => {
  cleanup();
  chat.stop();
});

async function pass(ms: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(ms).then(() => undefined));
}

function media(more: Partial<WidgetMediaView>): WidgetPart {
  return { part: "media", kind: "image", name: "shoe.png", size: 6, caption: "", alt: "", transcript: "", address: SIGNED, ...more };
}

async function shows(part: WidgetPart): Promise<void> {
  server.add({ ...said(1, "", { by: MARA }), parts: [part] } as ReturnType<typeof said>);
  await pass(50);
}

async function attach(file: File): Promise<FakeUpload> {
  const picker = document.querySelector<HTMLInputElement>("input[type=file]")!;
  Object.defineProperty(picker, "files", { value: [file], configurable: true });
  fireEvent.change(picker);
  await pass(50);
  return server.uploads.at(-1)!;
}

test("a picture of ours is shown, and opens when it is clicked", async () => {
  await shows(media({ alt: "The way" }));
  const picture = screen.getByRole<HTMLImageElement>("img", { name: "The way" });
  expect(picture.getAttribute("src")).toBe(`https://desk.example/${SIGNED}`);
  expect(picture.closest("a")?.getAttribute("href")).toBe(`https://desk.example/${SIGNED}`);
});

test("a picture that does not come is a line with its name", async () => {
  await shows(media({}));
  fireEvent.error(screen.getByRole("img", { name: "shoe.png" }));
  await pass(50);
  expect(screen.queryByRole("img", { name: "shoe.png" })).toBeNull();
  expect(screen.getByText(/shoe\.png/)).toBeTruthy();
});

test("a voice message of ours can be played, and nothing is loaded before", async () => {
  await shows(media({ kind: "voice", name: "hello.ogg" }));
  expect(document.querySelector("audio")?.getAttribute("preload")).toBe("none");
});

test("a picture on another host is linked and never loaded", async () => {
  await shows(media({ address: "https://cdn.example/a.png" }));
  expect(screen.queryByRole("img", { name: "shoe.png" })).toBeNull();
  expect(screen.getByRole("link", { name: /shoe\.png/ }).getAttribute("href")).toBe("https://cdn.example/a.png");
});

test("a chosen file is sent with its progress, and is a message when it is there", async () => {
  const upload = await attach(PHOTO);
  const asked = Object.fromEntries(upload.address.searchParams);
  expect([upload.address.pathname, asked.name, asked.conversation]).toEqual(["/api/widget/files", "shoe.png", "c1"]);
  expect(upload.bearer).toBe("Bearer token-1");
  expect(upload.body).toBe(PHOTO);
  upload.comes(0.5);
  await pass(50);
  expect(screen.getByRole<HTMLProgressElement>("progressbar").value).toBe(0.5);
  upload.ends(200, { frame: "ack", id: asked.id, seq: 1 });
  server.add({ ...said(1, "", { by: CUSTOMER, ref: asked.id ?? "" }), parts: [media({})] } as ReturnType<typeof said>);
  await pass(50);
  expect(screen.queryByRole("progressbar")).toBeNull();
  expect(screen.getAllByRole("img", { name: "shoe.png" })).toHaveLength(1);
});

test("what is on its way can be taken back", async () => {
  const upload = await attach(PHOTO);
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await pass(50);
  expect(upload.isOver).toBe(true);
  expect(screen.queryByText("shoe.png")).toBeNull();
  expect(server.uploads).toHaveLength(1);
});

test("what the server will not have says why, and can be tried again", async () => {
  const upload = await attach(PHOTO);
  upload.ends(415, { frame: "refused", code: "wrong_kind", text: "This kind cannot be sent.", id: "x", wait: null });
  await pass(50);
  expect(screen.getByText(/This kind cannot be sent\./)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  await pass(50);
  expect(server.uploads).toHaveLength(2);
});

test("a broken line is tried again under the same number", async () => {
  const upload = await attach(PHOTO);
  upload.ends(0, null);
  await pass(6_000);
  const ids = server.uploads.map(({ address }) => address.searchParams.get("id"));
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test("what is too large is said before anything is sent", async () => {
  await attach(new File(["x".repeat(1_048_577)], "film.mp4"));
  expect(document.querySelector(".composer-error")?.textContent).toMatch(/film\.mp4.* is larger than 1.?MB/);
  expect(server.uploads).toEqual([]);
});

test("one file goes after another", async () => {
  const first = await attach(PHOTO);
  await attach(new File(["b"], "b.pdf"));
  expect(server.uploads).toHaveLength(1);
  first.ends(200, { frame: "ack", id: first.address.searchParams.get("id"), seq: 1 });
  await pass(50);
  expect(server.uploads.map(({ body }) => body?.name)).toEqual(["shoe.png", "b.pdf"]);
});
