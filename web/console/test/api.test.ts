import { expect, test } from "vitest";

import { Api, Refusal, Unreachable } from "../src/api";
import { FakeServer, me, problem } from "./helpers";

const done = { row: {}, seq: 3, in_flight: null };

test("a write carries the token of the sign-in", async () => {
  const server = new FakeServer();
  const api = new Api(server.fetch);
  server.will(me, done);
  await api.me();
  await api.note("c1", "hello", "k1");
  expect(server.asked).toMatchObject([{ path: "/conversations/c1/note", token: "c1", key: "k1" }]);
});

test("a sign-in in another tab renews the token, and the write goes again under its key", async () => {
  const server = new FakeServer();
  const api = new Api(server.fetch);
  server.will(me, problem("csrf", { status: 403 }), { ...me, csrf: "c2" }, done);
  await api.me();
  await api.note("c1", "hello", "k1");
  expect(server.asked.map(({ token, key }) => [token, key])).toEqual([
    ["c1", "k1"],
    ["c2", "k1"],
  ]);
});

test("as somebody else it does not go", async () => {
  const server = new FakeServer();
  const api = new Api(server.fetch);
  server.will(me, problem("csrf", { status: 403 }), { ...me, id: "a_jo", csrf: "c2" });
  await api.me();
  await expect(api.note("c1", "hello", "k1")).rejects.toBeInstanceOf(Refusal);
  expect(server.asked).toHaveLength(1);
});

test("what is no answer of ours may be asked again", async () => {
  const proxy = new Api(() => Promise.resolve(new Response("<h1>Bad gateway</h1>", { status: 502 })));
  await expect(proxy.counts()).rejects.toBeInstanceOf(Unreachable);
  const busy = new FakeServer();
  busy.will(problem("unavailable", { status: 503 }));
  await expect(new Api(busy.fetch).counts()).rejects.toBeInstanceOf(Unreachable);
});
