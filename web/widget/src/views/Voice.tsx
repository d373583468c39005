import { useEffect, useState } from "preact/hooks";
import type { WidgetEvent } from "../../../shared/schema";
import type { Chat, Told } from "../chat";
import { type Words, useWords } from "../texts";
import { useAfter } from "./Draft";
import { lineText } from "./Log";
import { spoken } from "./Message";

const LONGEST = 400;
const REPLYING_AFTER = 3_000;

interface VoiceProps {
  readonly chat: Chat;
  /** Says when something happened; returns how to stop listening. */
  listen(tell: (told: Told) => void): () => void;
}

/**
 * What a screen reader says without being asked: each finished message once, changes of control, what became of the
 * customer's own words. Never a growing draft, never history.
 */
export function Voice({ chat, listen }: VoiceProps) {
  const words = useWords();
  const [polite, sayPolitely] = useState({ n: 0, text: "" });
  const [alarm, sayAtOnce] = useState({ n: 0, text: "" });
  const working = useAfter(REPLYING_AFTER, chat.state.replying > 0);

  useEffect(() => {
    const say = (text: string): void => {
      if (text) sayPolitely(({ n }) => ({ n: n + 1, text }));
    };
    return listen((told) => {
      switch (told.told) {
        case "news":
          say(told.events.map((event) => heard(event, words)).filter(Boolean).join(". "));
          return;
        case "sent":
          say(words.t("sent"));
          return;
        case "back":
          say(words.t("back"));
          return;
        case "failed":
          sayAtOnce(({ n }) => ({ n: n + 1, text: `${words.t("failed")}. ${told.why}` }));
          return;
        default:
          told satisfies never;
      }
    });
  }, [words]);

  useEffect(() => {
    if (working) sayPolitely(({ n }) => ({ n: n + 1, text: words.t("replying") }));
  }, [working]);

  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        <p key={polite.n}>{polite.text}</p>
      </div>
      <div class="unseen" role="alert">
        <p key={alarm.n}>{alarm.text}</p>
      </div>
    </>
  );
}

function heard(event: WidgetEvent, { t }: Words): string {
  switch (event.kind) {
    case "said": {
      if (event.by.kind === "customer") return "";
      const by = { bot: t("ai", { name: event.by.kind === "bot" ? event.by.name : "" }), agent: "", system: "" }[event.by.kind];
      const name = event.by.kind === "agent" ? event.by.name : by;
      const text = spoken(event.parts);
      const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}… ${t("continues")}` : text;
      return name ? `${name}: ${short}` : short;
    }
    case "revised":
      return event.parts.length ? `${t("edited")}: ${spoken(event.parts)}` : t("removed");
    case "controlled":
      return lineText(event.control, t);
    case "partial":
      return t("stopped");
    case "pressed":
    case "submitted":
      return "";
    default:
      event satisfies never;
      return "";
  }
}
