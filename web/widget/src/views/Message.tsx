import { Component, type ComponentChildren, createElement } from "preact";
import { plain } from "../../../shared/parts";
import type { WidgetFormView, WidgetOptionView, WidgetPart } from "../../../shared/schema";
import { Card } from "../parts/Card";
import { Face } from "../parts/Face";
import { Form, type Values } from "../parts/Form";
import { Glyph } from "../parts/Glyph";
import { Options } from "../parts/Options";
import { Sources } from "../parts/Sources";
import { Table } from "../parts/Table";
import { Text } from "../parts/Text";
import { Media, Person, Place } from "../parts/Things";
import { type Words, useWords } from "../texts";
import { type Choosing, type Said, mayChoose } from "../timeline";

export interface MessageProps {
  readonly row: Said;
  readonly choosing: Choosing;
  press(option: WidgetOptionView): void;
  submit(form: WidgetFormView, values: Values): void;
  retry(id: string): void;
  discard(id: string): void;
}

const CHOSEN = new Set<WidgetPart["part"]>(["choices", "card", "carousel", "rating", "form"]);
const NO_ERRORS: Readonly<Values> = {};

/** A log of thousands is drawn again only where something changed. */
export class Message extends Component<MessageProps> {
  override shouldComponentUpdate(next: MessageProps): boolean {
    const { row, choosing } = this.props;
    const same = (["key", "seq", "parts", "mine", "revised", "first", "last"] as const).every((name) => row[name] === next.row[name]);
    const offers = next.row.parts.some(({ part }) => CHOSEN.has(part));
    return !same || (offers && choosing !== next.choosing);
  }

  override render() {
    return createElement(Drawn, this.props);
  }
}

function Drawn({ row, choosing, press, submit, retry, discard }: MessageProps) {
  const words = useWords();
  const { t } = words;
  const { by, mine } = row;
  const time = row.at ? words.time(row.at) : "";
  const failed = mine?.state === "failed";
  return (
    <Frame row={row}>
      <span class="unseen">
        {speakerName(row, words)}
        {time && `, ${time}`}
      </span>
      {by.kind === "agent" && row.first && <p class="name">{by.name}</p>}
      <Parts row={row} choosing={choosing} press={press} submit={submit} />
      {row.stopped && (
        <p class="when shown">
          <Glyph name="stop" size={12} />
          {t("stopped")}
        </p>
      )}
      {row.revised && <p class="when shown">{t(row.revised)}</p>}
      {mine?.file && mine.state === "sending" && (
        <div class="upload">
          <progress value={mine.done} aria-label={t("sending")} />
          <button type="button" class="text" onClick={() => discard(mine.id)}>
            {t("cancel")}
          </button>
        </div>
      )}
      {mine && failed && (
        <div class="refusal">
          <Glyph name="warning" />
          <p>
            <b>{t("failed")}</b> {mine.why}
          </p>
          <button type="button" class="text" onClick={() => retry(mine.id)}>
            {t("retry")}
          </button>
          <button type="button" class="text" onClick={() => discard(mine.id)}>
            {t("discard")}
          </button>
        </div>
      )}
      {!failed && !row.stopped && time && (
        <p class="when">
          {by.kind === "customer" && <Delivery sending={mine?.state === "sending"} />}
          <span aria-hidden="true">{time}</span>
        </p>
      )}
      <Quick row={row} choosing={choosing} press={press} />
    </Frame>
  );
}

/** Face, edge and place of one message; the draft uses it too. */
export function Frame({ row, busy = false, children }: { row: Said; busy?: boolean; children: ComponentChildren }) {
  const { by, first, last, mine, seq } = row;
  const look = ["said", by.kind, first && "first", last && "last", mine?.state].filter(Boolean).join(" ");
  return (
    <article class={look} tabIndex={-1} data-seq={seq || undefined} aria-busy={busy || undefined}>
      {by.kind !== "customer" && <span class="side">{first && <Face by={by} />}</span>}
      <div class="body">{children}</div>
    </article>
  );
}

function Delivery({ sending }: { sending: boolean }) {
  const { t } = useWords();
  return (
    <>
      <Glyph name={sending ? "clock" : "tick"} size={12} />
      <span>{t(sending ? "sending" : "sent")}</span>
    </>
  );
}

type PartsProps = Pick<MessageProps, "row" | "choosing" | "press">;

/** Words, their sources and their buttons share a bubble; everything with an edge of its own stands below it. */
function Parts({ row, choosing, press, submit }: PartsProps & Pick<MessageProps, "submit">) {
  const inside: ComponentChildren[] = [];
  const below: ComponentChildren[] = [];
  row.parts.forEach((part, at) => {
    switch (part.part) {
      case "text":
        inside.push(<Text key={at} spans={part.spans} />);
        break;
      case "sources":
        inside.push(<Sources key={at} sources={part.sources} />);
        break;
      case "choices": {
        if (part.prompt) inside.push(<Text key={`${at}-prompt`} spans={[{ text: part.prompt }]} />);
        if (part.look === "quick") break;
        const live = mayChoose(row, part.options, false, choosing);
        const { options, look, prompt } = part;
        const drawn = { options, look, live, label: prompt, chosen: choosing.chosen, press };
        (look === "buttons" ? inside : below).push(<Options key={at} {...drawn} />);
        break;
      }
      case "card": {
        const live = mayChoose(row, part.options, false, choosing);
        below.push(<Card key={at} card={part} live={live} chosen={choosing.chosen} press={press} />);
        break;
      }
      case "carousel":
        below.push(
          <div key={at} class="carousel" role="group" tabIndex={0}>
            {part.cards.map((card, n) => {
              const live = mayChoose(row, card.options, false, choosing);
              return <Card key={n} card={card} live={live} chosen={choosing.chosen} press={press} />;
            })}
          </div>,
        );
        break;
      case "rating": {
        if (part.prompt) inside.push(<Text key={`${at}-prompt`} spans={[{ text: part.prompt }]} />);
        const live = mayChoose(row, part.options, false, choosing);
        const drawn = { options: part.options, live, label: part.prompt, chosen: choosing.chosen, press };
        inside.push(<Options key={at} look="grades" {...drawn} />);
        break;
      }
      case "form": {
        const live = mayChoose(row, [part], false, choosing);
        const errors = choosing.wrong[part.token] ?? NO_ERRORS;
        below.push(<Form key={at} form={part} live={live} errors={errors} submit={(values) => submit(part, values)} />);
        break;
      }
      case "table":
        below.push(<Table key={at} table={part} />);
        break;
      case "media":
        below.push(<Media key={at} media={part} />);
        break;
      case "location":
        below.push(<Place key={at} place={part} />);
        break;
      case "vcard":
        below.push(<Person key={at} person={part} />);
        break;
      case "notice":
        break;
      default:
        part satisfies never;
    }
  });
  return (
    <>
      {inside.length > 0 && <div class="bubble">{inside}</div>}
      {below}
    </>
  );
}

/** Quick replies come last: they belong to what is said next. */
function Quick({ row, choosing, press }: PartsProps) {
  return (
    <>
      {row.parts.map((part, at) => {
        if (part.part !== "choices" || part.look !== "quick") return null;
        const { options, look, prompt } = part;
        const live = mayChoose(row, options, true, choosing);
        return <Options key={at} options={options} look={look} live={live} label={prompt} chosen={choosing.chosen} press={press} />;
      })}
    </>
  );
}

function speakerName({ by }: Said, { t }: Words): string {
  switch (by.kind) {
    case "bot":
      return t("ai", { name: by.name });
    case "agent":
      return by.name;
    case "customer":
      return t("you");
    case "system":
      return "";
  }
}

/** For those who listen: what a message says, without its looks. */
export function spoken(parts: readonly WidgetPart[]): string {
  return parts
    .map((part) => {
      switch (part.part) {
        case "text":
          return plain(part.spans);
        case "choices":
          return [part.prompt, ...part.options.map((option) => option.label)].filter(Boolean).join(", ");
        case "card":
          return [part.title, part.meta, part.body].filter(Boolean).join(", ");
        case "notice":
          return part.text;
        case "carousel":
          return spoken(part.cards);
        case "rating":
          return [part.prompt, ...part.options.map((option) => option.label)].filter(Boolean).join(", ");
        case "form":
          return [part.title, ...part.fields.map((field) => field.label)].filter(Boolean).join(", ");
        case "table":
          return [part.title, ...part.rows.map((row) => row.join(", "))].filter(Boolean).join(". ");
        case "media":
          return [part.alt || part.name, part.caption, part.transcript].filter(Boolean).join(", ");
        case "location":
          return part.label || `${part.latitude}, ${part.longitude}`;
        case "vcard":
          return [part.name, part.phone, part.email].filter(Boolean).join(", ");
        case "sources":
          return "";
        default:
          part satisfies never;
          return "";
      }
    })
    .filter(Boolean)
    .join(". ");
}
