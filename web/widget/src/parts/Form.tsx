import { useEffect, useId, useRef } from "preact/hooks";
import type { WidgetFieldView, WidgetFormView } from "../../../shared/schema";
import { useWords } from "../texts";

export type Values = Record<string, string>;

interface FormProps {
  readonly form: WidgetFormView;
  readonly live: boolean;
  /** What the server found wrong, by name of the field. */
  readonly errors: Readonly<Values>;
  submit(values: Values): void;
}

/** Filled in where it stands. The browser looks that nothing is missing; what a value means the server knows. */
export function Form({ form, live, errors, submit }: FormProps) {
  const { t } = useWords();
  const box = useRef<HTMLFormElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus(), [errors]);

  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const values: Values = {};
    for (const { name } of form.fields) {
      const value = String(data.get(name) ?? "").trim();
      if (value) values[name] = value;
    }
    submit(values);
  };

  return (
    <form class="card form" ref={box} onSubmit={onSubmit}>
      {form.title && (
        <p class="card-title" dir="auto">
          {form.title}
        </p>
      )}
      <fieldset disabled={!live} aria-label={form.title || t("form")}>
        {form.fields.map((field) => (
          <Field key={field.name} field={field} error={errors[field.name] ?? ""} />
        ))}
        {live && (
          <button type="submit" class="option taken">
            <span dir="auto">{form.submit || t("send")}</span>
          </button>
        )}
      </fieldset>
    </form>
  );
}

function Field({ field, error }: { field: WidgetFieldView; error: string }) {
  const { t } = useWords();
  const id = useId();
  const told = [field.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const { name, required } = field;
  const common = { id, name, required, "aria-describedby": told || undefined, "aria-invalid": error ? true : undefined };
  return (
    <div class="field">
      <label for={id} dir="auto">
        {field.label}
        {!required && <span class="host"> {t("optional")}</span>}
      </label>
      {entry(field, common, t)}
      {field.hint && (
        <p class="hint" id={`${id}-hint`} dir="auto">
          {field.hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`} dir="auto">
          {error}
        </p>
      )}
    </div>
  );
}

function entry(field: WidgetFieldView, common: object, t: ReturnType<typeof useWords>["t"]) {
  const value = field.value || undefined;
  switch (field.type) {
    case "choice":
    case "yes_no": {
      const answers =
        field.type === "choice"
          ? field.options
          : [
              { value: "true", label: t("yes") },
              { value: "false", label: t("no") },
            ];
      return (
        <select {...common}>
          <option value="">{t("pick")}</option>
          {answers.map((answer) => (
            <option key={answer.value} value={answer.value} selected={answer.value === field.value}>
              {answer.label}
            </option>
          ))}
        </select>
      );
    }
    case "long_text":
      return <textarea {...common} rows={3} dir="auto" defaultValue={value} />;
    case "number":
      return <input {...common} inputMode="decimal" defaultValue={value} />;
    case "phone":
      return <input {...common} type="tel" autocomplete="tel" defaultValue={value} />;
    case "email":
      return <input {...common} type="email" autocomplete="email" defaultValue={value} />;
    case "date":
    case "time":
      return <input {...common} type={field.type} defaultValue={value} />;
    case "text":
      return <input {...common} dir="auto" defaultValue={value} />;
    default:
      field.type satisfies never;
      return null;
  }
}

/** What was filled in, in the words of the form. */
export function filled(form: WidgetFormView | undefined, values: Readonly<Values>): string {
  if (!form) return Object.values(values).join("\n");
  return form.fields
    .filter(({ name }) => values[name])
    .map(({ name, label, options }) => {
      const value = values[name]!;
      const answer = options.find((option) => option.value === value)?.label ?? value;
      return `${label}${/[?:？：؟]$/.test(label) ? "" : ":"} ${answer}`;
    })
    .join("\n");
}
