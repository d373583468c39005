import { afterEach, beforeEach, vi } from "vitest";

class NoResize implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

window.ResizeObserver = NoResize;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-02T09:41:00Z") });
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
