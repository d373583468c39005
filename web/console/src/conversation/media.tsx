/**
 * A file of a message. What came from people is fetched from our own server, by the event that names it; an address that
 * a message carries is linked and never loaded by itself.
 */

import { type ReactNode, useState } from "react";

import { isSafe } from "../../../shared/markdown";
import { Icon } from "../icons";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Part } from "../wire";
import styles from "./parts.module.css";
import { Outside } from "./words";

export type Media = Extract<Part, { part: "media" }>;

/** Where the message stands that a part belongs to. */
export interface Said {
  conversation: string;
  seq: number;
  /** It came from outside: its reference means something to its platform only. */
  theirs: boolean;
}

type Trouble = "gone" | "large" | "later" | "odd";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function MediaBox({ media, said, index }: { media: Media; said: Said; index: number }) {
  const texts = useTexts();
  const { t } = texts;
  const kind = t(`part.${media.kind}`);
  const title = media.alt || media.name || kind;
  const size = media.size ? texts.bytes(media.size) : "";
  const under = (
    <>
      {media.caption && <p dir="auto">{media.caption}</p>}
      {media.transcript && <blockquote dir="auto">{media.transcript}</blockquote>}
    </>
  );
  const row = (shown: ReactNode, more?: ReactNode) => (
    <div className={styles.thing}>
      <Icon name="file" />
      <div>
        <div className={styles.cardTitle} dir="auto">
          {shown}
        </div>
        <p className={styles.cardMeta}>{[title === kind ? "" : kind, size].filter(Boolean).join(" · ")}</p>
        {more}
        {under}
      </div>
    </div>
  );
  const { api } = useTools();
  const isOurs = said.theirs || media.ref.startsWith("kept:");
  if (!isOurs) return row(isSafe(media.ref) ? <Outside address={media.ref}>{title}</Outside> : title);
  const address = api.fileAddress(said.conversation, said.seq, index);
  return <Ours media={media} address={address} title={title} row={row} under={under} />;
}

interface OursProps {
  media: Media;
  address: string;
  title: string;
  row(shown: ReactNode, more?: ReactNode): ReactNode;
  under: ReactNode;
}

function Ours({ media, address, title, row, under }: OursProps) {
  const { t } = useTexts();
  const { api } = useTools();
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [tries, setTries] = useState(0);
  const source = tries ? `${address}?again=${tries}` : address;
  const failed = async () => setTrouble(reason(await api.fileStatus(address)));

  async function save() {
    const found = reason(await api.fileStatus(address));
    setTrouble(found === "odd" ? null : found);
    if (found === "odd") download(address, media.name ?? "");
  }

  if (trouble && trouble !== "odd") {
    return row(
      title,
      <p className={styles.missing} role="status">
        {t(`part.${trouble}`)}{" "}
        {trouble === "later" && (
          <button
            type="button"
            className={styles.again}
            onClick={() => {
              setTrouble(null);
              setTries(tries + 1);
            }}
          >
            {t("queue.retry")}
          </button>
        )}
      </p>,
    );
  }
  const isPicture = media.kind === "image" || media.kind === "sticker" || PICTURES.includes(media.type ?? "");
  if (isPicture && !trouble) {
    return (
      <figure className={styles.media}>
        <a href={source} target="_blank" rel="noopener" aria-label={t("part.open", { name: title })}>
          <img key={source} src={source} alt={title} loading="lazy" decoding="async" data-kind={media.kind} onError={() => void failed()} />
        </a>
        {under}
      </figure>
    );
  }
  if ((media.kind === "audio" || media.kind === "voice") && !trouble) {
    return (
      <figure className={styles.media}>
        <audio key={source} controls preload="none" src={source} aria-label={title} onError={() => void failed()} />
        {under}
      </figure>
    );
  }
  if (media.kind === "video" && !trouble) {
    return (
      <figure className={styles.media}>
        <video key={source} controls preload="none" src={source} aria-label={title} onError={() => void failed()} />
        {under}
      </figure>
    );
  }
  return row(
    <button type="button" className={styles.save} aria-label={t("part.save", { name: title })} onClick={() => void save()}>
      {title}
    </button>,
  );
}

/** Why a file was not shown; `odd`: it is there, and this browser cannot draw it. */
function reason(status: number): Trouble {
  switch (status) {
    case 200:
      return "odd";
    case 404:
      return "gone";
    case 413:
      return "large";
    default:
      return "later";
  }
}

function download(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
