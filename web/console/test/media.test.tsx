import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Conversation } from "../src/conversation/conversation";
import type { Author, Part } from "../src/wire";
import { FakeServer, makeTools, Page, problem } from "./helpers";
import { ANA, BOT, detail, event, row } from "./samples";

type Media = Extract<Part, { part: "media" }>;

let server: FakeServer;
const user = userEvent.setup();
const ADDRESS = "/api/console/conversations/c1/files/1/1";

function open(media: Omit<Media, "part">, by: Author = ANA): void {
  const message = { parts: [{ part: "text", spans: [{ text: "Look" }] } as Part, { part: "media", ...media } as Part] };
  const tools = makeTools(server, detail(row("c1", { last_seq: 1 }), [event(1, by, { kind: "said", message })]));
  vi.spyOn(tools, "load").mockRejectedValue(new Error("not in this test"));
  render(
    <Page tools={tools}>
      <Conversation id="c1" side="away" onSide={() => {}} onBack={null} onNext={() => {}} />
    </Page>,
  );
}

beforeEach(() => {
  server = new FakeServer();
});
afterEach(cleanup);

test("a photo is drawn from our own server, and opens when it is clicked", () => {
  open({ kind: "image", ref: "AgAC", name: "shoe.png", caption: "the sole" });
  const picture = screen.getByRole<HTMLImageElement>("img", { name: "shoe.png" });
  expect(picture.getAttribute("src")).toBe(ADDRESS);
  expect(screen.getByRole("link", { name: "Open shoe.png" }).getAttribute("href")).toBe(ADDRESS);
  expect(screen.getByText("the sole")).toBeTruthy();
});

test("a picture that was sent as a file is drawn, too", () => {
  open({ kind: "file", ref: "f1", name: "scan.png", type: "image/png" });
  expect(screen.getByRole("img", { name: "scan.png" })).toBeTruthy();
});

test("a voice message can be played, and nothing is fetched before", () => {
  open({ kind: "voice", ref: "v1", transcript: "my parcel is lost" });
  const player = document.querySelector("audio");
  expect(player?.getAttribute("src")).toBe(ADDRESS);
  expect(player?.preload).toBe("none");
  expect(screen.getByText("my parcel is lost")).toBeTruthy();
});

test("a file is a row with its name and size", () => {
  open({ kind: "file", ref: "f1", name: "invoice.pdf", size: 204_800 });
  expect(screen.getByRole("button", { name: "Save invoice.pdf" })).toBeTruthy();
  expect(screen.getByText("File · 200 kB")).toBeTruthy();
});

test("what can no longer be had says so", async () => {
  open({ kind: "image", ref: "AgAC", name: "shoe.png" });
  server.will(problem("not_found", { status: 404 }));
  fireEvent.error(screen.getByRole("img", { name: "shoe.png" }));
  await waitFor(() => expect(screen.getByText("This file can no longer be had.")).toBeTruthy());
  expect(screen.getByText("shoe.png")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

test("what cannot be had now is asked for again when the agent says so", async () => {
  open({ kind: "image", ref: "AgAC", name: "shoe.png" });
  server.will(problem("unavailable", { status: 503 }));
  fireEvent.error(screen.getByRole("img", { name: "shoe.png" }));
  await user.click(await screen.findByRole("button", { name: "Try again" }));
  expect(screen.getByRole("img", { name: "shoe.png" }).getAttribute("src")).toBe(`${ADDRESS}?again=1`);
});

test("a picture this browser cannot draw is offered for saving", async () => {
  open({ kind: "image", ref: "AgAC", name: "shoe.heic" });
  server.will({});
  fireEvent.error(screen.getByRole("img", { name: "shoe.heic" }));
  expect(await screen.findByRole("button", { name: "Save shoe.heic" })).toBeTruthy();
});

test("an address in the bot's words is linked and never loaded", () => {
  open({ kind: "image", ref: "https://cdn.example/a.png", alt: "A map" }, BOT);
  expect(screen.queryByRole("img", { name: "A map" })).toBeNull();
  expect(screen.getByRole("link", { name: /A map/ }).getAttribute("href")).toBe("https://cdn.example/a.png");
});

test("a customer's address is not followed from the agent's browser", () => {
  open({ kind: "image", ref: "https://cdn.discordapp.com/x.png", name: "x.png" });
  expect(screen.getByRole("img", { name: "x.png" }).getAttribute("src")).toBe(ADDRESS);
  expect(document.querySelector('[href^="https://cdn"]')).toBeNull();
});

test("a picture of ours that the bot showed is drawn", () => {
  open({ kind: "image", ref: `kept:${"a".repeat(64)}`, alt: "A map" }, BOT);
  expect(screen.getByRole("img", { name: "A map" }).getAttribute("src")).toBe(ADDRESS);
});
