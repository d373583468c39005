import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { CustomerTab } from "../src/side/customer";
import type { Identities, People } from "../src/wire";
import { FakeServer, makeTools, Page, problem } from "./helpers";
import { ANA, detail, row, said } from "./samples";

vi.setConfig({ testTimeout: 20_000 });

const HERE = { channel: "web", external: "5f".repeat(32), language: "", zone: "", merged: false };
const THERE = { channel: "telegram", external: "7001", language: "", zone: "", merged: true };
const ALONE: Identities = { contact: "c-ana", items: [HERE] };
const JOINED: Identities = { contact: "c-ana", items: [THERE, HERE] };
const FOUND: People = {
  items: [
    { contact: "c-ana", name: "Ana", conversations: 1, identities: [["web", HERE.external]] },
    { contact: "c-ana2", name: "Ana S.", conversations: 3, identities: [["telegram", "7001"]] },
  ],
};

let server: FakeServer;
const user = userEvent.setup();

async function open(known: Identities): Promise<void> {
  const shown = detail(row("c1"), [said(1, ANA, "Hello")]);
  const tools = makeTools(server, shown);
  vi.spyOn(tools, "load").mockResolvedValue(shown);
  server.will(known);
  render(
    <Page tools={tools}>
      <CustomerTab detail={shown} />
    </Page>,
  );
  await screen.findByText("5f5f5f5f…");
}

async function search(): Promise<ReturnType<typeof within>> {
  await user.click(screen.getByText("Same person as…"));
  const dialog = within(await screen.findByRole("dialog"));
  server.will(FOUND);
  fireEvent.change(dialog.getByLabelText("Customer"), { target: { value: "ana" } });
  await dialog.findByText("Ana S.");
  return dialog;
}

beforeEach(() => {
  server = new FakeServer();
});
afterEach(cleanup);

test("two who are one person are joined after a look at both", async () => {
  await open(ALONE);
  const dialog = await search();
  expect(dialog.queryByText("Ana")).toBeNull();
  await user.click(dialog.getByText("Ana S."));
  expect(dialog.getByText("Ana")).toBeTruthy();
  expect(dialog.getByText("3 conversations")).toBeTruthy();
  expect(server.asked).toEqual([]);
  server.will(JOINED, JOINED);
  await user.click(dialog.getByText("Join the two"));
  await waitFor(() => expect(server.asked).toMatchObject([{ path: "/contacts/c-ana/merge", body: { contact: "c-ana2" } }]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await screen.findByText("7001")).toBeTruthy();
});

test("what fails says so and changes nothing", async () => {
  await open(ALONE);
  const dialog = await search();
  await user.click(dialog.getByText("Ana S."));
  server.will(problem("not_found", { status: 404 }));
  await user.click(dialog.getByText("Join the two"));
  expect(await dialog.findByRole("alert")).toBeTruthy();
});

test("an account goes back to who it was", async () => {
  await open(JOINED);
  server.will({ contact: "c-ana2", items: [{ ...THERE, merged: false }] }, ALONE);
  await user.click(screen.getByRole("button", { name: "Separate 7001" }));
  await waitFor(() => expect(screen.queryByText("7001")).toBeNull());
  expect(server.asked).toMatchObject([{ path: "/contacts/unmerge", body: { channel: "telegram", external: "7001" } }]);
});
