import { expect, test, vi } from "vitest";
import { Outbox, type Unsent, local, uuid } from "../src/outbox";

function item(id: string, at = Date.now()): Unsent {
  return { id, at, text: id, token: "", after: 0, refused: "" };
}

const ids = (outbox: Outbox): string[] => outbox.items.map((each) => each.id);

test("what was not sent is there again after a reload, in order", async () => {
  const outbox = await Outbox.open("shop");
  for (const id of ["a", "b", "c"]) outbox.add(item(id));
  outbox.remove("b");
  expect(ids(await Outbox.open("shop"))).toEqual(["a", "c"]);
});

test("accounts do not see each other's", async () => {
  (await Outbox.open("shop")).add(item("a"));
  expect(ids(await Outbox.open("other"))).toEqual([]);
});

test("a day later it is forgotten", async () => {
  (await Outbox.open("shop")).add(item("a"));
  vi.setSystemTime(Date.now() + 25 * 3_600_000);
  expect(ids(await Outbox.open("shop"))).toEqual([]);
  expect(await local("shop").all()).toEqual([]);
});

test("it takes fifty, and says when it is full", async () => {
  const outbox = await Outbox.open("shop");
  const taken = Array.from({ length: 51 }, (_, n) => outbox.add(item(`m${n}`)));
  expect([taken.filter(Boolean).length, taken.at(-1)]).toEqual([50, false]);
});

test("what was refused stays until it is removed, and is not sent", async () => {
  const outbox = await Outbox.open("shop");
  outbox.add(item("a"));
  outbox.add(item("b"));
  outbox.refuse("a", "Too long.");
  const again = await Outbox.open("shop");
  expect([again.head?.id, again.items[0]?.refused]).toEqual(["b", "Too long."]);
});

test("it works for the visit when storage is denied", async () => {
  vi.stubGlobal("localStorage", undefined);
  const outbox = await Outbox.open("shop");
  outbox.add(item("a"));
  expect(ids(outbox)).toEqual(["a"]);
});

test("ids are UUIDs", () => {
  expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
