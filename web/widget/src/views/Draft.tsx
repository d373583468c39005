import { useEffect, useState } from "preact/hooks";
import { parse } from "../../../shared/markdown";
import type { WidgetDraftView, WidgetSpeaker } from "../../../shared/schema";
import { Glyph } from "../parts/Glyph";
import { Text } from "../parts/Text";
import { useWords } from "../texts";
import type { Said } from "../timeline";
import { Frame } from "./Message";

const STOP_AFTER = 1_500;

/** Words that stream. It has the place, and the key, of the message that will replace it. */
export function Draft({ draft, by, first, stop }: { draft: WidgetDraftView; by: WidgetSpeaker; first: boolean; stop(): void }) {
  const stoppable = useAfter(STOP_AFTER, draft.turn);
  const { t } = useWords();
  return (
    <Frame row={passing(by, first)} busy>
      <div class="bubble">
        <Text spans={parse(draft.text)} tail={<span class="caret" />} />
      </div>
      {stoppable && (
        <button type="button" class="pill" onClick={stop}>
          <Glyph name="stop" size={12} />
          {t("stop")}
        </button>
      )}
    </Frame>
  );
}

/** Somebody is at work: dots, and in words for those who want no motion. */
export function Dots({ by, first, text }: { by: WidgetSpeaker; first: boolean; text: string }) {
  return (
    <Frame row={passing(by, first)}>
      <div class="bubble dots">
        <span class="dots-text">{text}</span>
        <i />
        <i />
        <i />
      </div>
    </Frame>
  );
}

function passing(by: WidgetSpeaker, first: boolean): Said {
  return { row: "said", key: "", seq: 0, by, at: null, parts: [], mine: null, stopped: false, revised: "", first, last: true };
}

/** Whether `delay` has passed since `of` became what it is. */
export function useAfter(delay: number, of: unknown): boolean {
  const [passed, pass] = useState<unknown>(undefined);
  useEffect(() => {
    if (of === null || of === false) return;
    const timer = setTimeout(() => pass(of), delay);
    return () => clearTimeout(timer);
  }, [of, delay]);
  return passed === of && of !== null && of !== false;
}
