import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Conversation } from "../src/conversation/conversation";
import type { Tools } from "../src/tools";
import type { Control, Row } from "../src/wire";
import { FakeServer, makeTools, Page, problem } from "./helpers";
import { ANA, detail, held, JO, ME, row, said } from "./samples";

let server: FakeServer;
let tools: Tools;
const user = userEvent.setup();

function open(control: Control, more: Partial<Row> = {}): void {
  const of = row("c1", { control, last_seq: 2, ...more });
  tools = makeTools(server, detail(of, [said(1, ANA, "Hello"), said(2, ANA, "Anybody?")]));
  vi.spyOn(tools, "load").mockRejectedValue(new Error("not in this test"));
  render(
    <Page tools={tools}>
      <Conversation id="c1" side="away" onSide={() => {}} onBack={null} onNext={() => {}} />
    </Page>,
  );
}

const field = (): HTMLTextAreaElement => screen.getByRole("textbox");
const isKind = (kind: "Reply" | "Note") => 
  expect(screen.getByRole("radio", { name: new RegExp(kind) }).getAttribute("aria-checked")).toBe("true");
const done = (control: Control) => ({ row: row("c1", { control, last_seq: 3 }), seq: 3 });

beforeEach(() => {
  server = new FakeServer();
});
afterEach(cleanup);

describe("with the bot", () => {
  beforeEach(() => open({ state: "bot", epoch: 7 }));

  test("writing begins as a note, and says so in words", () => {
    isKind("Note");
    expect(screen.getByText("The assistant is handling this")).toBeTruthy();
    expect(screen.getByText("Only your team sees this")).toBeTruthy();
    expect(screen.getByRole("button", { name: /Add note/ })).toBeTruthy();
  });

  test("a note goes as a note and takes nothing over", async () => {
    server.will(done({ state: "bot", epoch: 7 }));
    await user.type(field(), "check the claim{Control>}{Enter}{/Control}");
    expect(server.asked).toMatchObject([{ path: "/conversations/c1/note", body: { text: "check the claim" } }]);
  });

  test("a reply offers the takeover in place, and Enter confirms it", async () => {
    await user.keyboard("r");
    await user.type(field(), "I will look into it");
    expect(screen.getByText(/takes this over from the assistant/)).toBeTruthy();
    expect(server.asked).toEqual([]);
    server.will(done(held(ME, 8)));
    await user.keyboard("{Enter}");
    expect(server.asked).toMatchObject([
      { path: "/conversations/c1/reply", body: { text: "I will look into it", seen: 2, epoch: 7, claim: true } },
    ]);
  });

  test("T takes over, shows it at once, and the composer is for replies", async () => {
    server.will(done(held(ME, 8)));
    await user.keyboard("t");
    expect(server.asked).toMatchObject([{ path: "/conversations/c1/take-over", body: { epoch: 7 } }]);
    isKind("Reply");
    await waitFor(() => expect(screen.getByRole("button", { name: /Hand back/ })).toBeTruthy());
  });

  test("a takeover that was lost says who has it", async () => {
    server.will(problem("control", { row: row("c1", { control: held(JO, 8) }) }));
    await user.keyboard("t");
    await waitFor(() => expect(screen.getByText(/^Jo took this/)).toBeTruthy());
    expect(screen.getByText("Jo is handling this")).toBeTruthy();
  });
});

describe("with me", () => {
  beforeEach(() => open(held(ME, 5)));

  test("Enter is a new line, Mod and Enter send", async () => {
    server.will(done(held(ME, 5)));
    await user.type(field(), "one{Enter}two");
    expect(server.asked).toEqual([]);
    await user.keyboard("{Control>}{Enter}{/Control}");
    expect(server.asked).toMatchObject([{ body: { text: "one\ntwo", claim: false } }]);
    await waitFor(() => expect(field().value).toBe(""));
  });

  test("what is said while the line is down waits, marked, and goes under the same key", async () => {
    server.will(new Error("offline"));
    await user.type(field(), "hello{Control>}{Enter}{/Control}");
    await waitFor(() => expect(screen.getByText("Waiting for the connection")).toBeTruthy());
    server.will(done(held(ME, 5)));
    tools.desk.retry();
    await waitFor(() => expect(screen.queryByText("Waiting for the connection")).toBeNull());
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]?.key).toBe(server.asked[1]?.key);
  });

  test("409 control keeps the text in sight and says who took it", async () => {
    server.will(problem("control", { row: row("c1", { control: held(JO, 6) }) }));
    await user.type(field(), "One more thing{Control>}{Enter}{/Control}");
    await waitFor(() => expect(screen.getByText(/^Jo took this .* Your text is kept\.$/)).toBeTruthy());
    isKind("Reply");
    expect(field().value).toBe("One more thing");
    expect((screen.getByRole("button", { name: /^Send/ }) as HTMLButtonElement).disabled).toBe(true);

    await user.click(screen.getByRole("button", { name: "Keep as note" }));
    isKind("Note");
    expect(field().value).toBe("One more thing");
  });

  test("409 newer shows what was missed, and sends anyway with it seen", async () => {
    server.will(problem("newer", { events: [said(3, ANA, "Wait, I found it!")] }));
    await user.type(field(), "I am sorry{Control>}{Enter}{/Control}");
    await waitFor(() => expect(screen.getByText("1 new message since you last looked")).toBeTruthy());
    expect(screen.getAllByText("Wait, I found it!").length).toBeGreaterThan(0);
    expect(field().value).toBe("I am sorry");

    server.will(done(held(ME, 5)));
    await user.click(screen.getByRole("button", { name: "Send anyway" }));
    expect(server.asked[1]?.body).toMatchObject({ text: "I am sorry", seen: 3 });
    expect(server.asked[1]?.key).not.toBe(server.asked[0]?.key);
  });

  test("what the server will not have can be edited", async () => {
    server.will(problem("invalid", { status: 422, text: "Too long for this channel." }));
    await user.type(field(), "a long one{Control>}{Enter}{/Control}");
    await waitFor(() => expect(screen.getByText(/Too long for this channel/)).toBeTruthy());
    await user.click(screen.getByRole("button", { name: "Edit" }));
    expect(field().value).toBe("a long one");
  });

  test("reply and note keep their own texts", async () => {
    await user.type(field(), "to the customer");
    await user.click(screen.getByRole("radio", { name: /Note/ }));
    expect(field().value).toBe("");
    await user.type(field(), "to the team");
    await user.click(screen.getByRole("radio", { name: /Reply/ }));
    expect(field().value).toBe("to the customer");
  });

  test("hand back asks how, and tells the assistant", async () => {
    await user.keyboard("{Shift>}T{/Shift}");
    await user.type(await screen.findByLabelText(/What the assistant should know/), "refund approved");
    server.will(done({ state: "bot", epoch: 6 }));
    await user.click(screen.getAllByRole("button", { name: "Hand back" }).at(-1) as HTMLElement);
    await waitFor(() =>
      expect(server.asked).toMatchObject([
        { path: "/conversations/c1/hand-back", body: { epoch: 5, how: "free", instruction: "refund approved" } },
      ]),
    );
  });
});

test.each(["Approve", "Refuse"])("what waits for approval is shown, and %s is one press", async (answer) => {
  open(held(ME, 5), { reason: "approval", note: 'refund: amount = 300' });
  expect((await screen.findByText("refund: amount = 300", { selector: "code" })).textContent).toContain("300");
  server.will(done({ state: "bot", epoch: 6 }));
  await user.click(screen.getByRole("button", { name: answer }));
  await waitFor(() =>
    expect(server.asked).toMatchObject([
      { path: "/conversations/c1/hand-back", body: { epoch: 5, how: "resume", verdict: answer.toLowerCase() } },
    ]),
  );
});

test("a colleague's conversation takes notes only", async () => {
  open(held(JO, 5));
  isKind("Note");
  expect(screen.getByText("Jo is handling this")).toBeTruthy();
  expect((screen.getByRole("radio", { name: /Reply/ }) as HTMLButtonElement).disabled).toBe(true);
  expect(screen.queryByRole("button", { name: /Take over/ })).toBeNull();
});

test("a reply typed while the takeover is on its way goes under its epoch", async () => {
  open({ state: "bot", epoch: 7 });
  let arrive: (answer: object) => void = () => {};
  vi.spyOn(tools.api, "takeOver").mockReturnValue(new Promise((resolve) => (arrive = resolve as typeof arrive)));
  await user.keyboard("t");
  await user.type(field(), "Hello{Control>}{Enter}{/Control}");
  expect(server.asked).toEqual([]);
  server.will(done(held(ME, 8)));
  arrive(done(held(ME, 8)));
  await waitFor(() => expect(server.asked).toMatchObject([{ body: { text: "Hello", epoch: 8, claim: false } }]));
});
