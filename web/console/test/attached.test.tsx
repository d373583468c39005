import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { MOST_BYTES } from "../src/composer/attached";
import { Conversation } from "../src/conversation/conversation";
import type { Control, Uploaded } from "../src/wire";
import { FakeServer, makeTools, Page, problem } from "./helpers";
import { ANA, detail, held, JO, ME, row, said } from "./samples";

let server: FakeServer;
const user = userEvent.setup();
const MAP = new File(["a map"], "map.png", { type: "image/png" });
const UPLOADED: Uploaded = { ref: `kept:${"a".repeat(64)}`, kind: "image", name: "map.png", type: "image/png", size: 5 };

function open(control: Control): void {
  const of = row("c1", { control, last_seq: 1 });
  const tools = makeTools(server, detail(of, [said(1, ANA, "Where are you?")]));
  vi.spyOn(tools, "load").mockRejectedValue(new Error("not in this test"));
  render(
    <Page tools={tools}>
      <Conversation id="c1" side="away" onSide={() => {}} onBack={null} onNext={() => {}} />
    </Page>,
  );
}

const picker = (): HTMLInputElement => document.querySelector<HTMLInputElement>("[data-attach]")!;
const send = () => screen.getByRole<HTMLButtonElement>("button", { name: /^Send|Take over and send/ });

beforeEach(() => {
  server = new FakeServer();
});
afterEach(cleanup);

test("a chosen file is uploaded at once and goes with the words", async () => {
  open(held(ME, 3));
  server.will(UPLOADED, { row: row("c1", { control: held(ME, 3) }), seq: 2, in_flight: null });
  await user.upload(picker(), MAP);
  expect(await screen.findByText("1 kB")).toBeTruthy();
  await user.type(screen.getByRole("textbox"), "Here.");
  await user.click(send());
  expect(server.asked.map(({ path, body }) => [path, body])).toEqual([
    ["/conversations/c1/files?name=map.png", { file: "map.png" }],
    ["/conversations/c1/reply", { text: "Here.", seen: 1, epoch: 3, claim: false, files: [{ ref: UPLOADED.ref, name: "map.png" }] }],
  ]);
  await waitFor(() => expect(screen.queryByRole("button", { name: "Remove map.png" })).toBeNull());
});

test("a file alone can be sent", async () => {
  open(held(ME, 3));
  server.will(UPLOADED);
  expect(send().disabled).toBe(true);
  await user.upload(picker(), MAP);
  await waitFor(() => expect(send().disabled).toBe(false));
});

test("what is sent while a file is on its way waits for it, and goes once", async () => {
  open(held(ME, 3));
  let arrive: (uploaded: Uploaded) => void = () => {};
  server.will(new Promise<Uploaded>((resolve) => (arrive = resolve)));
  server.will({ row: row("c1", { control: held(ME, 3) }), seq: 2, in_flight: null });
  const replies = () => server.asked.filter(({ path }) => path.endsWith("/reply"));
  await user.type(screen.getByRole("textbox"), "Here.");
  await user.upload(picker(), MAP);
  await user.type(screen.getByRole("textbox"), "{Control>}{Enter}{Enter}{/Control}");
  expect(replies()).toEqual([]);
  arrive(UPLOADED);
  await waitFor(() => expect(replies()).toHaveLength(1));
  expect(replies()[0]?.body).toMatchObject({ text: "Here.", files: [{ name: "map.png" }] });
});

test("a file can be taken back before it is sent", async () => {
  open(held(ME, 3));
  server.will(UPLOADED);
  await user.upload(picker(), MAP);
  await user.click(await screen.findByRole("button", { name: "Remove map.png" }));
  expect(screen.queryByText("map.png")).toBeNull();
  expect(send().disabled).toBe(true);
});

test("what the server would not have says why", async () => {
  open(held(ME, 3));
  server.will(problem("invalid", { status: 415, text: "This kind of file cannot be sent." }));
  await user.upload(picker(), MAP);
  expect(await screen.findByText("This kind of file cannot be sent.")).toBeTruthy();
  expect(send().disabled).toBe(true);
});

test("what is too large is not even sent", async () => {
  open(held(ME, 3));
  const large = new File([], "film.mp4");
  Object.defineProperty(large, "size", { value: MOST_BYTES + 1 });
  await user.upload(picker(), large);
  expect(await screen.findByText("larger than 20 MB")).toBeTruthy();
  expect(server.asked).toEqual([]);
});

test("a pasted picture is attached", async () => {
  open(held(ME, 3));
  server.will(UPLOADED);
  const files = Object.assign([MAP], { item: () => MAP }) as unknown as FileList;
  fireEvent.paste(screen.getByRole("textbox"), { clipboardData: { files } });
  expect(await screen.findByRole("button", { name: "Remove map.png" })).toBeTruthy();
});

test("a file comes back with the words when a colleague was faster", async () => {
  open({ state: "queued", epoch: 3 });
  server.will(UPLOADED, problem("control", { row: row("c1", { control: held(JO, 4) }) }));
  await user.upload(picker(), MAP);
  await screen.findByText("1 kB");
  await user.click(send());
  expect(await screen.findByText(/^Jo took this/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Remove map.png" })).toBeTruthy();
});

test("files are for customers: a note takes none", () => {
  open(held(JO, 3));
  expect(screen.queryByRole("button", { name: "Attach files" })).toBeNull();
});
