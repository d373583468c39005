// Events and frames as the server writes them.
import type {
  WidgetEvent,
  WidgetGreeting,
  WidgetPart,
  WidgetServerFrame,
  WidgetSpeaker,
  WidgetWelcome,
} from "../../shared/schema";

export const BOT: WidgetSpeaker = { kind: "bot", name: "Ada", ai: true };
export const MARA: WidgetSpeaker = { kind: "agent", name: "Mara", face: null };
export const CUSTOMER: WidgetSpeaker = { kind: "customer" };

export const GREETING: WidgetGreeting = {
  name: "Ada",
  brand: "Acme Support",
  language: "en",
  parts: [
    { part: "text", spans: [{ text: "Hi! How can I help?" }] },
    { part: "choices", prompt: "", look: "quick", options: [{ label: "Track order", token: "t-track" }] },
  ],
};

export type SaidEvent = Extract<WidgetEvent, { kind: "said" }>;

export function at(seq: number): string {
  return new Date(Date.UTC(2026, 2, 2, 9, 0, seq)).toISOString();
}

export function text(words: string): WidgetPart {
  return { part: "text", spans: [{ text: words }] };
}

export function said(seq: number, words: string | WidgetPart[], more: Partial<SaidEvent> = {}): SaidEvent {
  const parts = typeof words === "string" ? [text(words)] : words;
  return { kind: "said", seq, at: at(seq), by: BOT, parts, ref: "", turn: null, ...more };
}

export function controlled(seq: number, state: "bot" | "queued" | "human" | "closed"): WidgetEvent {
  return { kind: "controlled", seq, at: at(seq), control: { state, speaker: state === "human" ? MARA : BOT } };
}

export function event(prev: number, of: WidgetEvent): WidgetServerFrame {
  return { frame: "event", seq: of.seq, prev, event: of };
}

export function draft(turn: number, n: number, start: number, words: string, attempt = 1): WidgetServerFrame {
  return { frame: "draft", turn, attempt, n, start, text: words };
}

export function welcome(events: WidgetEvent[] = [], more: Partial<WidgetWelcome> = {}): WidgetWelcome {
  return {
    frame: "welcome",
    conversation: "c1",
    seq: events.at(-1)?.seq ?? 0,
    events,
    control: { state: "bot", speaker: BOT },
    greeting: GREETING,
    limits: { text_bytes: 1_000, per_minute: 20, file_bytes: 1_048_576 },
    draft: null,
    more: false,
    ...more,
  };
}
