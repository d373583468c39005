import type { WidgetSpeaker } from "../../../shared/schema";
import { Glyph } from "./Glyph";

/** Who speaks, at a glance: the assistant's glyph in violet, a person's initial in teal. Never a picture from elsewhere. */
export function Face({ by, waiting = false }: { by: WidgetSpeaker; waiting?: boolean }) {
  if (waiting) {
    return (
      <span class="face waiting" aria-hidden="true">
        <Glyph name="clock" />
      </span>
    );
  }
  return (
    <span class={`face ${by.kind}`} aria-hidden="true">
      {by.kind === "agent" ? Array.from(by.name)[0]?.toLocaleUpperCase() : <Glyph name="spark" />}
    </span>
  );
}
