import { expect, test } from "vitest";

import { spell, traces } from "../src/side/trace";
import { ANA, BOT, event, said } from "./samples";

test("a turn gathers who took it, what was decided and what was run", () => {
  const [latest, first] = traces([
    said(1, ANA, "Where is my parcel?"),
    event(2, BOT, { kind: "acting", key: "k1", action: "lookup", args: { order: "1043" } }, 2, { turn: 1 }),
    event(3, BOT, { kind: "acted", key: "k1", result: { late: 4 } }, 3, { turn: 1 }),
    event(
      4,
      BOT,
      {
        kind: "turned",
        responder: "in_flow",
        declined: [["at_desk", "no human"]],
        moves: [
          { move: "applied", by: { command: "start", flow: "order_help" }, source: "example" },
          { move: "pushed", frame: { id: 1, flow: "order_help", version: "1.1f8a09c2" } },
          { move: "entered", frame: 1, step: "lookup" },
          { move: "filled", slot: "order", value: "1043", frame: 1 },
          { move: "did", frame: 1, step: "lookup", action: "lookup", effect: "write" },
          { move: "did", frame: 1, step: "hours", action: "opening_hours", effect: "read" },
        ],
      },
      4,
      { turn: 1 },
    ),
    event(5, ANA, { kind: "pressed", token: "t", label: "Refund" }),
    event(
      6,
      BOT,
      {
        kind: "turned",
        responder: "free_form",
        moves: [{ move: "refused", by: { command: "start", flow: "refund" }, source: "model", why: "not permitted" }],
      },
      6,
      { turn: 5 },
    ),
  ]);
  expect(first).toMatchObject({
    turn: 1,
    heard: "Where is my parcel?",
    responder: "in_flow",
    declined: [["at_desk", "no human"]],
    decisions: [{ command: "start", about: "order_help", source: "example", refused: "" }],
    path: ["order_help", "lookup"],
    facts: [{ name: "order", value: "1043" }],
    calls: [
      { action: "lookup", args: { order: "1043" }, state: "done", result: { late: 4 } },
      { action: "opening_hours", state: "done" },
    ],
  });
  expect(latest).toMatchObject({ turn: 5, heard: "Refund", decisions: [{ refused: "not permitted" }] });
});

test("an action without its result is running, one with an error has failed", () => {
  const intent = event(1, BOT, { kind: "acting", key: "k", action: "refund", args: {} }, 1, { turn: 1 });
  expect(traces([intent])[0]?.calls).toMatchObject([{ state: "running" }]);
  const failed = event(2, BOT, { kind: "acted", key: "k", error: "bank is closed" }, 2, { turn: 1 });
  expect(traces([intent, failed])[0]?.calls).toMatchObject([{ state: "failed", error: "bank is closed" }]);
});

test("a command is spelled with what it is about", () => {
  expect(spell({ command: "set", slot: "order", value: 1043 })).toEqual({ command: "set", about: "order = 1043" });
  expect(spell({ command: "human" })).toEqual({ command: "human", about: "asked" });
});
