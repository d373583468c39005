import type { Ref } from "preact";
import type { State } from "../store";
import { Face } from "../parts/Face";
import { Glyph } from "../parts/Glyph";
import { useWords } from "../texts";

interface HeaderProps {
  readonly state: State;
  readonly heading: Ref<HTMLHeadingElement>;
  /** Null where there is nothing to close: in the page's own place. */
  readonly close: (() => void) | null;
}

/** Who speaks now: in colour, glyph and words. */
export function Header({ state, heading, close }: HeaderProps) {
  const { t } = useWords();
  const { greeting, control } = state;
  const brand = greeting?.brand ?? "";
  const person = control?.state === "human" && control.speaker.kind === "agent" ? control.speaker : null;
  const status = {
    bot: t("status.bot"),
    queued: t("line.queued"),
    human: t("status.human", { brand }),
    closed: t("status.closed"),
  }[control?.state ?? "bot"];
  const by = person ?? { kind: "bot" as const, name: greeting?.name ?? "", ai: true };
  return (
    <header class={`header ${control?.state ?? "bot"}`} part="header">
      <span class="header-face" key={by.name + control?.state}>
        <Face by={by} waiting={control?.state === "queued"} />
      </span>
      <div class="header-words">
        <h2 tabIndex={-1} ref={heading} dir="auto">
          {person?.name ?? brand}
        </h2>
        {greeting && <p dir="auto">{status}</p>}
      </div>
      {close && (
        <button type="button" class="icon" aria-label={t("close")} onClick={close}>
          <Glyph name="close" size={18} />
        </button>
      )}
    </header>
  );
}
