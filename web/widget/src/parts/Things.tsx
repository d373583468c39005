// Files, places and people: named and linked. What lies on our own server is shown; nothing else is ever loaded.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useState } from "preact/hooks";
import type { IconName } from "../../../shared/icons";
import { isSafe } from "../../../shared/markdown";
import type { WidgetLocationView, WidgetMediaView, WidgetVCardView } from "../../../shared/schema";
import { useWords } from "../texts";
import { Glyph } from "./Glyph";
import { Link } from "./Text";

/** Address of the server, ending in a slash: what lies there may be loaded. */
export const Server = createContext("");

export function Media({ media }: { media: WidgetMediaView }) {
  const { t, number } = useWords();
  const server = useContext(Server);
  const [broken, setBroken] = useState(false);
  const { kind, name, alt, size, address, caption, transcript } = media;
  const title = alt || name || t(`media.${kind}`);
  const bytes = size < 1_048_576 ? `${number(Math.ceil(size / 1_024))} KB` : `${number(Math.round(size / 104_857.6) / 10)} MB`;
  const isOurs = address.startsWith("api/");
  const where = isOurs ? new URL(address, server).href : address;
  const words = (
    <>
      {caption && <p dir="auto">{caption}</p>}
      {transcript && <blockquote dir="auto">{transcript}</blockquote>}
    </>
  );
  if (isOurs && !broken && kind !== "file") {
    const shown = { src: where, "aria-label": title, onError: () => setBroken(true) };
    const Player = kind === "video" ? "video" : "audio";
    return (
      <figure class="media">
        {kind === "image" || kind === "sticker" ? (
          <a href={where} target="_blank" rel="noopener">
            <img {...shown} alt={title} loading="lazy" />
          </a>
        ) : (
          <Player {...shown} controls preload="none" />
        )}
        {words}
      </figure>
    );
  }
  return (
    <Thing glyph="file" title={isSafe(where) ? <Link address={where}>{title}</Link> : title}>
      <p class="card-meta">{[title !== t(`media.${kind}`) && t(`media.${kind}`), size > 0 && bytes].filter(Boolean).join(" · ")}</p>
      {words}
    </Thing>
  );
}

export function Place({ place }: { place: WidgetLocationView }) {
  const { t } = useWords();
  const { latitude, longitude, label } = place;
  return (
    <Thing glyph="pin" title={label || `${latitude}, ${longitude}`}>
      <p>
        <Link address={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`}>{t("map")}</Link>
      </p>
    </Thing>
  );
}

export function Person({ person }: { person: WidgetVCardView }) {
  const { name, phone, email } = person;
  return (
    <Thing glyph="person" title={name}>
      {phone && (
        <p dir="ltr">
          <Link address={`tel:${phone.replace(/[^+\d]/g, "")}`}>{phone}</Link>
        </p>
      )}
      {email && (
        <p dir="ltr">
          <Link address={`mailto:${email}`}>{email}</Link>
        </p>
      )}
    </Thing>
  );
}

function Thing({ glyph, title, children }: { glyph: IconName; title: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="card thing">
      <Glyph name={glyph} />
      <div class="card-body">
        <p class="card-title" dir="auto">
          {title}
        </p>
        {children}
      </div>
    </div>
  );
}
