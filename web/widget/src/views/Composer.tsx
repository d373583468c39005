import type { Ref } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Glyph } from "../parts/Glyph";
import { useWords } from "../texts";

interface ComposerProps {
  readonly input: Ref<HTMLTextAreaElement> & { current: HTMLTextAreaElement | null };
  readonly placeholder: string;
  /** Of UTF-8. */
  readonly limit: number;
  readonly disabled: boolean;
  typing(): void;
  /** False: it was not taken, and the words stay. */
  send(text: string): boolean;
}

/** Grows from one line to six; Enter sends, Shift and Enter break the line. */
export function Composer({ input, placeholder, limit, disabled, typing, send }: ComposerProps) {
  const { t } = useWords();
  const [text, setText] = useState("");
  const composing = useRef(false);
  const long = new TextEncoder().encode(text).length > limit;
  const ready = !disabled && !long && text.trim() !== "";

  useLayoutEffect(() => {
    const area = input.current;
    if (!area) return;
    area.style.setProperty("block-size", "0");
    area.style.setProperty("block-size", `${area.scrollHeight}px`);
  }, [text, placeholder]);

  const submit = (): void => {
    if (ready && send(text.trim())) setText("");
    input.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends a word of an input method; it is not meant for us then.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || composing.current) return;
    event.preventDefault();
    submit();
  };

  return (
    <form
      class="composer"
      part="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {long && (
        <p class="composer-error" id="fd-long" role="alert">
          {t("long")}
        </p>
      )}
      <div class="composer-box">
        <textarea
          ref={input}
          rows={1}
          // Without words in it, the direction is that of the placeholder.
          dir={text ? "auto" : undefined}
          aria-label={t("message")}
          aria-invalid={long || undefined}
          aria-describedby={long ? "fd-long" : undefined}
          placeholder={placeholder}
          disabled={disabled}
          enterkeyhint="send"
          value={text}
          onCompositionStart={() => (composing.current = true)}
          onCompositionEnd={() => (composing.current = false)}
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (event.currentTarget.value.trim()) typing();
          }}
          onKeyDown={onKeyDown}
        />
        <button type="submit" class="send" aria-label={t("send")} disabled={!ready}>
          <Glyph name="send" size={18} />
        </button>
      </div>
    </form>
  );
}
