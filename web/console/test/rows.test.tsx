import { act, cleanup, renderHook } from "@testing-library/react";
import type { PointerEvent, ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { keys } from "../src/cache";
import { putRow } from "../src/live/feed";
import type { Pages } from "../src/queue/rows";
import { type RowList, useRows } from "../src/queue/use-rows";
import type { Tools } from "../src/tools";
import { FakeServer, makeTools, Page } from "./helpers";
import { at, row } from "./samples";

let tools: Tools;
let hook: { result: { current: RowList } };
const mouse = { pointerType: "mouse" } as PointerEvent;
const ids = (): string => hook.result.current.rows.map(({ id }) => id).join(" ");
const rise = (id: string) =>
  act(async () => {
    putRow(tools.client, row(id, { last_at: at(60) }), ["all"]);
    // The cache tells its readers in a task of its own.
    await vi.advanceTimersByTimeAsync(1);
  });

beforeEach(() => {
  vi.useFakeTimers();
  tools = makeTools(new FakeServer());
  tools.client.setQueryData<Pages>(keys.rows("all", ""), {
    pages: [{ items: ["a", "b", "c"].map((id, index) => row(id, { last_at: at(30 - index) })), next: null }],
    pageParams: [null],
  });
  const wrapper = ({ children }: { children: ReactNode }) => <Page tools={tools}>{children}</Page>;
  hook = renderHook(() => useRows("all", ""), { wrapper });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("without a pointer over it the list follows at once", async () => {
  await rise("c");
  expect(ids()).toBe("c a b");
});

test("under a moving pointer the order stands, and what waits is counted", async () => {
  act(() => hook.result.current.pointer.onPointerMove(mouse));
  await rise("c");
  expect([ids(), hook.result.current.updates]).toEqual(["a b c", 1]);
  act(() => hook.result.current.pointer.onPointerLeave());
  expect([ids(), hook.result.current.updates]).toEqual(["c a b", 0]);
});

test("after 3 s of rest the order follows", async () => {
  act(() => hook.result.current.pointer.onPointerMove(mouse));
  await rise("c");
  act(() => vi.advanceTimersByTime(2_900));
  expect(ids()).toBe("a b c");
  act(() => vi.advanceTimersByTime(200));
  expect(ids()).toBe("c a b");
});

test("the pill shows what waits, though the pointer is still there", async () => {
  act(() => hook.result.current.pointer.onPointerMove(mouse));
  await rise("b");
  act(() => hook.result.current.release());
  expect(ids()).toBe("b a c");
});
