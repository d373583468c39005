import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { WidgetServerFrame } from "../../shared/schema";
import { Chat, type Told } from "../src/chat";
import { Memory } from "../src/memory";
import { Outbox } from "../src/outbox";
import { BOT, MARA, controlled, said } from "./frames";
import { FakeServer } from "./server";

let server: FakeServer;
let told: Told[];
const chats: Chat[] = [];

beforeEach(() => {
  server = new FakeServer().install();
  told = [];
});

afterEach(() => {
  for (const chat of chats.splice(0)) chat.stop();
});

async function begin(): Promise<Chat> {
  const chat = new Chat({
    account: "shop",
    server: "https://desk.example/",
    memory: new Memory("shop"),
    outbox: await Outbox.open("shop"),
    language: () => "en",
    tell: (each) => told.push(each),
  });
  chats.push(chat);
  chat.start();
  await pass(0);
  return chat;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const texts = (): (string | undefined)[] => server.frames("say").map((frame) => frame.text);

describe("a line", () => {
  test("asks for a token, keeps the visitor's secret and says hello", async () => {
    const chat = await begin();
    expect(chat.line).toBe("online");
    expect(server.heard).toEqual([{ frame: "hello", token: "token-1", conversation: "", after: 0 }]);
    expect(new Memory("shop").read().secret).toBe("s".repeat(43));
  });

  test("that is cut comes back from the cursor, and is told once", async () => {
    const chat = await begin();
    server.add(said(1, "one"));
    server.cut();
    expect(chat.line).toBe("connecting");
    server.log.push(said(4, "missed"));
    await pass(1_000);
    expect(server.frames("hello").at(-1)).toMatchObject({ conversation: "c1", after: 1 });
    expect(chat.state.events.map((event) => event.seq)).toEqual([1, 4]);
    expect(told.filter((each) => each.told === "back")).toHaveLength(1);
  });

  test("that is silent for 30 s is dead", async () => {
    const chat = await begin();
    server.isSilent = true;
    await pass(29_000);
    expect(chat.line).toBe("online");
    await pass(6_000);
    expect(chat.line).toBe("connecting");
  });

  test("answers pings and stays", async () => {
    const chat = await begin();
    for (let n = 0; n < 10; n++) {
      server.tell({ frame: "ping" });
      await pass(10_000);
    }
    expect([chat.line, server.frames("pong").length, server.frames("hello").length]).toEqual(["online", 10, 1]);
  });

  test("tries again ever more slowly, and at once when the page is back", async () => {
    const chat = await begin();
    server.isDown = true;
    server.cut();
    await pass(60_000);
    const tries = server.asked.length;
    expect(tries).toBeLessThan(8);
    server.isDown = false;
    dispatchEvent(new Event("online"));
    await pass(0);
    expect(chat.line).toBe("online");
  });

  test("that met no socket goes on by stream and posts", async () => {
    server.forbidsSockets = true;
    const chat = await begin();
    await pass(10);
    expect(chat.line).toBe("online");
    chat.say("Hello");
    await pass(10);
    server.add(said(5, "Hi"));
    await pass(10);
    expect(chat.state.events.map((event) => event.seq)).toEqual([1, 5]);
    expect(server.asked.map(({ path, bearer }) => `${path} ${bearer}`)).toEqual([
      "/api/widget/token ",
      "/api/widget/stream?conversation=&after=0 token-1",
      "/api/widget/frames?conversation=c1 token-1",
    ]);
  });

  test("gets a new token when its own is refused", async () => {
    let first = true;
    server.refuses = (frame) => {
      if (frame.frame !== "hello" || !first) return null;
      first = false;
      return { frame: "refused", code: "token", text: "Expired.", id: null, wait: null };
    };
    const chat = await begin();
    await pass(10);
    expect([chat.line, server.tokens]).toEqual(["online", 2]);
  });

  test("gets a new token before its own runs out", async () => {
    await begin();
    for (let n = 0; n < 360; n++) {
      server.tell({ frame: "ping" });
      await pass(10_000);
    }
    expect([server.tokens, server.frames("hello").at(-1)?.token]).toEqual([2, "token-2"]);
  });

  test("from a foreign page stops trying, and says why", async () => {
    server.refuses = () => ({ frame: "refused", code: "origin", text: "Not from here.", id: null, wait: null });
    const chat = await begin();
    await pass(120_000);
    expect([chat.line, chat.reason, server.heard.length]).toEqual(["blocked", "Not from here.", 1]);
  });

  test("whose conversation is gone begins another", async () => {
    new Memory("shop").write({ conversation: "gone" });
    server.refuses = (frame) =>
      frame.frame === "hello" && frame.conversation === "gone"
        ? { frame: "refused", code: "unknown_conversation", text: "Gone.", id: null, wait: null }
        : null;
    const chat = await begin();
    expect([chat.line, chat.state.conversation]).toEqual(["online", "c1"]);
  });
});

describe("a gap", () => {
  test("is closed by one hello from the cursor", async () => {
    const chat = await begin();
    server.add(said(1, "one"));
    server.log.push(said(2, "missed"));
    server.add(said(3, "three"));
    await pass(0);
    expect(server.frames("hello").map((frame) => frame.after)).toEqual([0, 1]);
    expect(chat.state.events.map((event) => event.seq)).toEqual([1, 2, 3]);
  });

  test("is asked for again when the catch-up was refused", async () => {
    const chat = await begin();
    let refusals = 1;
    server.refuses = (frame) =>
      frame.frame === "hello" && refusals-- > 0
        ? { frame: "refused", code: "rate", text: "Slowly.", id: null, wait: 2 }
        : null;
    server.log.push(said(1, "missed"));
    server.add(said(2, "two"));
    await pass(3_000);
    expect(chat.state.events.map((event) => event.seq)).toEqual([1, 2]);
  });
});

describe("what the customer says", () => {
  test("is sent, acknowledged and merged with its event", async () => {
    const chat = await begin();
    chat.say("Hello");
    await pass(0);
    expect([texts(), chat.state.mine, chat.state.events.length]).toEqual([["Hello"], [], 1]);
    expect(told).toContainEqual({ told: "sent" });
    expect((await Outbox.open("shop")).items).toEqual([]);
  });

  test("goes out one after another", async () => {
    const chat = await begin();
    server.refuses = (frame) => (frame.frame === "say" ? ({ frame: "ping" } as WidgetServerFrame) : null);
    chat.say("one");
    chat.say("two");
    expect(texts()).toEqual(["one"]);
  });

  test("while offline survives a reload and is sent once, in order", async () => {
    const chat = await begin();
    server.isDown = true;
    server.cut();
    for (const words of ["one", "two", "three"]) chat.say(words);
    await pass(100);
    chat.stop();
    server.isDown = false;
    const again = await begin();
    await pass(10);
    expect(texts()).toEqual(["one", "two", "three"]);
    expect(again.state.events.map((event) => event.kind === "said" && event.parts)).toHaveLength(3);
    expect([again.state.mine, (await Outbox.open("shop")).items]).toEqual([[], []]);
  });

  test("and whose acknowledgement was lost is repeated under the same id, and stands once", async () => {
    const chat = await begin();
    server.refuses = (frame) => (frame.frame === "say" ? ({ frame: "ping" } as WidgetServerFrame) : null);
    chat.say("Hello");
    server.refuses = null;
    await pass(17_000);
    const [first, second, ...rest] = server.frames("say");
    expect([second?.id, rest, chat.state.events.length]).toEqual([first?.id, [], 1]);
  });

  test("and is refused for now is repeated when the wait is over", async () => {
    const chat = await begin();
    let refusals = 1;
    server.refuses = (frame) =>
      frame.frame === "say" && refusals-- > 0
        ? { frame: "refused", code: "rate", text: "Slowly.", id: frame.id, wait: 3 }
        : null;
    chat.say("one");
    chat.say("two");
    await pass(2_900);
    expect([texts(), chat.state.mine.map((item) => item.state)]).toEqual([["one"], ["sending", "sending"]]);
    await pass(200);
    expect([texts(), chat.state.mine]).toEqual([["one", "one", "two"], []]);
  });

  test("and is refused for good is shown so, kept, and may be tried anew or dropped", async () => {
    const chat = await begin();
    server.refuses = (frame) =>
      frame.frame === "say" && frame.text === "bad"
        ? { frame: "refused", code: "too_large", text: "Too long.", id: frame.id, wait: null }
        : null;
    chat.say("bad");
    chat.say("good");
    await pass(0);
    expect(chat.state.mine).toMatchObject([{ text: "bad", state: "failed", why: "Too long." }]);
    expect(texts()).toEqual(["bad", "good"]);
    expect(told).toContainEqual({ told: "failed", why: "Too long." });

    server.refuses = null;
    chat.retry(chat.state.mine[0]!.id);
    await pass(0);
    expect([texts().at(-1), chat.state.mine]).toEqual(["bad", []]);
    expect(new Set(server.frames("say").map((frame) => frame.id)).size).toBe(3);
  });

  test("is expected to be answered at once, until it is", async () => {
    const chat = await begin();
    chat.say("Hello");
    expect(chat.state.replying).toBeGreaterThan(0);
    await pass(0);
    expect(chat.state.replying).toBeGreaterThan(0);
    server.add(said(9, "Hi"));
    expect(chat.state.replying).toBe(0);
  });

  test("to a person is not answered by dots", async () => {
    const chat = await begin();
    server.add(controlled(1, "human"));
    chat.say("Hello");
    await pass(0);
    expect(chat.state.replying).toBe(0);
  });

  test("with a button carries its token and label", async () => {
    const chat = await begin();
    chat.press({ label: "Track order", token: "t-track" });
    await pass(0);
    expect(server.frames("press")).toMatchObject([{ token: "t-track", label: "Track order" }]);
  });
});

describe("signs", () => {
  test("typing is said every 3 s at most", async () => {
    const chat = await begin();
    for (let n = 0; n < 10; n++) {
      chat.typing();
      await pass(500);
    }
    expect(server.frames("typing")).toHaveLength(2);
  });

  test("an agent's dots go out by themselves", async () => {
    const chat = await begin();
    server.tell({ frame: "typing", who: MARA, seconds: 6 });
    expect(chat.state.typing?.who).toEqual(MARA);
    await pass(6_100);
    expect(chat.state.typing).toBe(null);
  });

  test("a bot that never answers is not waited for endlessly", async () => {
    const chat = await begin();
    server.tell({ frame: "typing", who: BOT, seconds: 5 });
    await pass(5_100);
    expect(chat.state.replying).toBe(0);
  });

  test("what was seen is said once and remembered", async () => {
    const chat = await begin();
    server.add(said(1, "one"));
    server.add(said(2, "two"));
    expect([chat.unread, new Memory("shop").read().unread]).toEqual([2, 2]);
    chat.read(2);
    chat.read(1);
    expect(server.frames("read").map((frame) => frame.seq)).toEqual([2]);
    expect(new Memory("shop").read()).toMatchObject({ conversation: "c1", seen: 2, unread: 0 });
  });

  test("what another tab has seen is seen", async () => {
    const chat = await begin();
    server.add(said(1, "one"));
    new Memory("shop").write({ seen: 1 });
    dispatchEvent(new StorageEvent("storage", { key: "frontdesk:shop" }));
    expect(chat.unread).toBe(0);
  });

  test("a visitor who says nothing leaves no conversation behind", async () => {
    await begin();
    expect(new Memory("shop").read().conversation).toBe(undefined);
  });
});
