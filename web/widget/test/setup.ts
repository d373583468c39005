import { afterEach, beforeEach, vi } from "vitest";

class NoResize implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

window.ResizeObserver = NoResize;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-02T09:41:00Z") });
  vi.spyOn(Math, "random").mockReturnValue(0.5); // what a wait leaves to chance
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
