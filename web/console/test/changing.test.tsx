import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Conversation } from "../src/conversation/conversation";
import type { Detail } from "../src/wire";
import { FakeServer, makeTools, Page } from "./helpers";
import { ANA, detail, held, JO, ME, row, said } from "./samples";

let server: FakeServer;
const user = userEvent.setup();

vi.setConfig({ testTimeout: 20_000 });

function open(can: Detail["can"]): void {
  const of = row("c1", { control: held(ME, 3), last_seq: 3 });
  const tools = makeTools(server, detail(of, [said(1, ANA, "How much?"), said(2, JO, "Wait."), said(3, ME, "It cots 5.")], { can }));
  vi.spyOn(tools, "load").mockRejectedValue(new Error("not in this test"));
  render(
    <Page tools={tools}>
      <Conversation id="c1" side="away" onSide={() => {}} onBack={null} onNext={() => {}} />
    </Page>,
  );
}

const done = { row: row("c1", { control: held(ME, 3), last_seq: 4 }), seq: 4 };

beforeEach(() => {
  server = new FakeServer();
});
afterEach(cleanup);

test("one's own message is written anew", async () => {
  open(["delete", "edit"]);
  server.will(done);
  await user.click(screen.getByRole("button", { name: "Edit" }));
  const dialog = within(await screen.findByRole("dialog"));
  const field = dialog.getByLabelText("Message");
  expect(dialog.getByRole("button", { name: "Save" }).hasAttribute("disabled")).toBe(true);
  fireEvent.change(field, { target: { value: "It costs 5." } });
  expect(dialog.getByText(/sees the new words in the same place/)).toBeTruthy();
  await user.click(dialog.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(server.asked).toMatchObject([{ path: "/conversations/c1/messages/3/revise", body: { text: "It costs 5." } }]));
});

test("one's own message is taken back after a question", async () => {
  open(["delete", "edit"]);
  server.will(done);
  await user.click(screen.getByRole("button", { name: "Delete" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByText("It cots 5.")).toBeTruthy();
  expect(server.asked).toEqual([]);
  await user.click(dialog.getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(server.asked).toMatchObject([{ path: "/conversations/c1/messages/3/withdraw" }]));
});

test("where the channel can do neither, a correction is announced and nothing can be deleted", async () => {
  open([]);
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Edit" }));
  expect(within(await screen.findByRole("dialog")).getByText(/goes out as a new message/)).toBeTruthy();
});
