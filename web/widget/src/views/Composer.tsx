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
  /** Of a file, in bytes. */
  readonly largest: number;
  attach(file: File): void;
}

/** Grows from one line to six; Enter sends, Shift and Enter break the line. */
export function Composer({ input, placeholder, limit, disabled, typing, send, largest, attach }: ComposerProps) {
  const { t } = useWords();
  const [text, setText] = useState("");
  const composing = useRef(false);
  const picker = useRef<HTMLInputElement>(null);
  const [tooLarge, setTooLarge] = useState("");
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

  const take = (files: FileList | null | undefined): boolean => {
    const given = [...(files ?? [])];
    setTooLarge(given.find((file) => file.size > largest)?.name ?? "");
    if (!disabled) given.filter((file) => file.size <= largest).forEach(attach);
    return given.length > 0;
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
      {tooLarge && (
        <p class="composer-error" role="alert">
          {t("large", { name: tooLarge, n: Math.floor(largest / 1_048_576) })}
        </p>
      )}
      <div
        class="composer-box"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => take(event.dataTransfer?.files) && event.preventDefault()}
      >
        <button type="button" class="attach" aria-label={t("attach")} disabled={disabled} onClick={() => picker.current?.click()}>
          <Glyph name="clip" size={18} />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            currentTarget.value = "";
            input.current?.focus();
          }}
        />
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
          onPaste={(event) => take(event.clipboardData?.files) && event.preventDefault()}
        />
        <button type="submit" class="send" aria-label={t("send")} disabled={!ready}>
          <Glyph name="send" size={18} />
        </button>
      </div>
    </form>
  );
}
