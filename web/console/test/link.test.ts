import { beforeEach, describe, expect, test } from "vitest";

import { Link, type LinkState, type Socket } from "../src/live/link";
import type { ClientFrame, ServerFrame } from "../src/wire";
import { TestClock } from "./clock";
import { ANA, row, said } from "./samples";

class FakeSocket implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  sent: ClientFrame[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.closed = true;
  }

  hear(frame: ServerFrame | { frame: string }): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  event(seq: number): void {
    this.hear({ frame: "event", conversation: "c1", event: said(seq, ANA, `${seq}`) });
  }

  drop(): void {
    this.onclose?.();
  }
}

const READY: ServerFrame = { frame: "ready", counts: {} };

let clock: TestClock;
let sockets: FakeSocket[];
let states: LinkState[];
let frames: ServerFrame[];
let ready: number;
let lost: () => void;
let link: Link;

const last = (): FakeSocket => sockets.at(-1) as FakeSocket;
const seqs = (): number[] => frames.flatMap((frame) => (frame.frame === "event" ? [frame.event.seq] : []));

beforeEach(() => {
  clock = new TestClock();
  sockets = [];
  states = [];
  frames = [];
  ready = 0;
  lost = () => {};
  link = new Link(
    () => {
      sockets.push(new FakeSocket());
      return last();
    },
    {
      state: (state) => states.push(state),
      frame: (frame) => frames.push(frame),
      ready: () => (ready += 1),
      lost: () => lost(),
    },
    clock,
  );
  link.start();
});

describe("events", () => {
  beforeEach(() => {
    link.watch("c1", 3);
    last().hear(READY);
  });

  test("what was asked for before the line stood is asked for when it does", () => {
    expect(last().sent).toEqual([{ frame: "watch", conversation: "c1", after: 3 }]);
  });

  test("arrive once and in order", () => {
    for (const seq of [3, 4, 4, 5]) last().event(seq);
    expect(seqs()).toEqual([4, 5]);
  });

  test("a gap is asked for once, and nothing is handed on before it is closed", () => {
    last().hear({ frame: "caught_up", conversation: "c1", seq: 3 });
    last().sent = [];
    for (const seq of [4, 6, 7]) last().event(seq);
    expect(seqs()).toEqual([4]);
    expect(last().sent).toEqual([{ frame: "watch", conversation: "c1", after: 4 }]);

    for (const seq of [5, 6, 7]) last().event(seq);
    last().hear({ frame: "caught_up", conversation: "c1", seq: 7 });
    expect(seqs()).toEqual([4, 5, 6, 7]);
  });

  test("told of the end with something missing, it asks again after a pause", () => {
    last().event(4);
    last().hear({ frame: "caught_up", conversation: "c1", seq: 6 });
    last().sent = [];
    clock.advance(999);
    expect(last().sent).toEqual([]);
    clock.advance(1);
    expect(last().sent).toEqual([{ frame: "watch", conversation: "c1", after: 4 }]);
  });

  test("what came over HTTP is not handed on again", () => {
    link.advance("c1", 5);
    for (const seq of [4, 5, 6]) last().event(seq);
    expect(seqs()).toEqual([6]);
  });

  test("nothing is handed on of a conversation that was left", () => {
    const leave = link.watch("c1", 3);
    leave();
    last().event(4);
    expect(seqs()).toEqual([]);
    expect(last().sent.at(-1)).toEqual({ frame: "unwatch", conversation: "c1" });
  });
});

describe("the line", () => {
  test("comes back with growing pauses, and resumes where it was", () => {
    link.watch("c1", 0);
    last().hear(READY);
    last().event(1);
    for (const pause of [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]) {
      last().drop();
      clock.advance(pause - 1);
      const before = sockets.length;
      clock.advance(1);
      expect(sockets.length).toBe(before + 1);
    }
    last().hear(READY);
    expect(last().sent).toEqual([{ frame: "watch", conversation: "c1", after: 1 }]);
    expect(states).toEqual(["online", "offline", "online"]);
    expect(ready).toBe(2);
  });

  test("a success makes the pauses short again", () => {
    for (let n = 0; n < 4; n += 1) {
      last().drop();
      clock.advance(30_000);
    }
    last().hear(READY);
    last().drop();
    const before = sockets.length;
    clock.advance(1_000);
    expect(sockets.length).toBe(before + 1);
  });

  test("silence of 30 s is a dead line", () => {
    last().hear(READY);
    clock.advance(29_999);
    last().hear({ frame: "ping" });
    clock.advance(29_999);
    expect(states).toEqual(["online"]);
    clock.advance(1);
    expect(states).toEqual(["online", "offline"]);
    expect(sockets[0]?.closed).toBe(true);
  });

  test("a ping is answered", () => {
    last().hear(READY);
    last().hear({ frame: "ping" });
    expect(last().sent).toEqual([{ frame: "pong" }]);
  });

  test("after a sleep it does not wait for its timers", () => {
    last().hear(READY);
    clock.jump(3_600_000);
    link.wake();
    expect(states).toEqual(["online", "offline"]);
    link.wake();
    expect(sockets).toHaveLength(2);
  });

  test("a word from a line that was given up is not heard", () => {
    last().hear(READY);
    const old = last();
    old.drop();
    clock.advance(1_000);
    old.hear({ frame: "row", row: row("c1"), views: [] });
    expect(frames.map((frame) => frame.frame)).toEqual(["ready"]);
  });

  test("once stopped it stays so, also when that happens as it is lost", () => {
    lost = () => link.stop();
    last().hear(READY);
    last().drop();
    clock.advance(600_000);
    expect(sockets).toHaveLength(1);
  });

  test("a frame of a newer server is skipped and counted", () => {
    last().hear(READY);
    last().hear({ frame: "hologram" });
    expect(link.skipped).toBe(1);
    expect(states).toEqual(["online"]);
  });
});

test("typing is told every 3 s at most", () => {
  last().hear(READY);
  link.typing("c1");
  clock.advance(2_999);
  link.typing("c1");
  clock.advance(1);
  link.typing("c1");
  expect(last().sent).toHaveLength(2);
});
