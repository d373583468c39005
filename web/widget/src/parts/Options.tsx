import type { WidgetOptionView } from "../../../shared/schema";
import { useWords } from "../texts";
import { Glyph } from "./Glyph";

export interface OptionsProps {
  readonly options: readonly WidgetOptionView[];
  readonly look: "quick" | "buttons" | "list" | "grades";
  readonly live: boolean;
  readonly chosen: ReadonlySet<string>;
  readonly label: string;
  press(option: WidgetOptionView): void;
}

/** Quick ones vanish once they are void; the others stay, with the chosen one marked. */
export function Options({ options, look, live, chosen, label, press }: OptionsProps) {
  const { t } = useWords();
  if (!options.length || (look === "quick" && !live)) return null;
  return (
    <div class={`options ${look}`} role="group" aria-label={label || t("answers")} onKeyDown={move}>
      {options.map((option) => {
        const taken = chosen.has(option.token);
        return (
          <button
            key={option.token}
            type="button"
            class={taken ? "option taken" : "option"}
            disabled={!live}
            onClick={() => press(option)}
          >
            <span dir="auto">{option.label}</span>
            {taken && <Glyph name="tick" />}
            {taken && <span class="unseen">, {t("chosen")}</span>}
            {look === "list" && live && <Glyph name="next" />}
          </button>
        );
      })}
    </div>
  );
}

/** Arrows move between the options; only Enter or a click picks one. */
function move(event: KeyboardEvent): void {
  const group = event.currentTarget as HTMLElement;
  const forward = getComputedStyle(group).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const backward = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
  const step = [forward, "ArrowDown"].includes(event.key) ? 1 : [backward, "ArrowUp"].includes(event.key) ? -1 : 0;
  const buttons = [...group.querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  if (!step || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[(at + step + buttons.length) % buttons.length]!.focus();
}
