"""A fitted message as Discord wants it. Pure: a message in, a `Call` out."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

from bot import markup
from bot.errors import Unshowable
from bot.fit import plain
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Form,
    Location,
    Media,
    Message,
    Notice,
    Part,
    Rating,
    Raw,
    Sources,
    Table,
    Text,
    VCard,
)
from channels.discord.checked import COMPONENTS_V2, LONGEST, checked
from channels.discord.components import CONTAINER, FILE, GALLERY, WORDS, Json, button, row, rows_of, select
from channels.discord.markdown import escaped, written
from channels.discord.parse import MEMBER

EPHEMERAL = 1 << 6

_NOBODY: Json = {"parse": []}
_FILL_IN = {"en": "Fill in", "fr": "Remplir", "es": "Rellenar", "de": "Ausfüllen", "pt": "Preencher", "ar": "املأ"}
_SEEN = ("image", "sticker", "video")
"""Kinds of files that a gallery shows."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to go with a call."""

    name: str
    ref: str
    """Where its bytes are: `kept:…`, or `data:…` and they themselves."""
    about: str = ""
    size: int = 0
    """Bytes; 0: not known."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` holds places for ids."""

    method: Literal["GET", "POST", "PATCH", "DELETE", "PUT"]
    path: str
    ids: Mapping[str, str]
    payload: Json | list[Json] | None = None
    files: tuple[Upload, ...] = ()

    @property
    def is_v2(self) -> bool:
        """Whether it is laid out in Components v2."""
        return isinstance(self.payload, dict) and bool((self.payload.get("flags") or 0) & COMPONENTS_V2)


Look = Literal["best", "embeds", "components"]
"""Of a message: Components v2 where they show more; never; or always, for a message cannot go back from them."""


def place_of(to: Address) -> str:
    """The channel a message goes to: of a thread its own id."""
    return to.thread if to.thread and not to.thread.startswith(MEMBER) else to.chat


def render(to: Address, message: Message, *, key: str, reply_to: str = "", look: Look = "best") -> Call:
    """Raises `Unshowable` for what no fitting can have made."""
    payload, files = body(message, to, look)
    payload |= {"nonce": nonce(key), "enforce_nonce": True}
    if reply_to.isdigit():  # what an interaction said is no message there
        payload["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
    return Call("POST", "/channels/{channel_id}/messages", {"channel_id": place_of(to)}, payload, files)


def rewritten(to: Address, ref: str, message: Message, *, look: Look = "best") -> Call:
    """The same in the place of what stands there."""
    payload, files = body(message, to, look)
    payload = {"content": None, "embeds": [], "components": [], "attachments": []} | payload
    ids = {"channel_id": place_of(to), "message_id": ref}
    return Call("PATCH", "/channels/{channel_id}/messages/{message_id}", ids, payload, files)


def nonce(key: str) -> str:
    """At most 25 characters, the same for the same key."""
    return base64.urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=16).digest()).decode().rstrip("=")


def body(message: Message, to: Address | None = None, look: Look = "best") -> tuple[Json, tuple[Upload, ...]]:
    made = _Body(message.language)
    if to is not None and to.thread.startswith(MEMBER):
        made.words.append(f"<@{to.thread.removeprefix(MEMBER)}>")
    for part in message.parts:
        made.add(part)
    return made.done(look)


class _Body:
    def __init__(self, language: str) -> None:
        self.language = language
        self.words = list[str]()
        self.cards = list[Card]()
        self.embeds = list[Json]()
        """In Discord's own shape, of a `Raw`."""
        self.rows = list[Json]()
        """Of buttons or a list."""
        self.blocks = list[Json]()
        """In Components v2, of a `Raw`."""
        self.pictures = list[Json]()
        """By address: shown in a gallery, which has a place for what is to be seen on them."""
        self.files = list[tuple[Media, Upload]]()
        self.painted = dict[str, Upload]()
        """Pictures of cards that go with the message, by their ref."""
        self.is_carousel = False

    def add(self, part: Part) -> None:
        match part:
            case Text():
                self.words.append(written(part.spans))
            case Choices():
                self.words.append(escaped(part.prompt))
                self.rows += rows_of(part.options, listed=part.look == "list", about=part.prompt)
            case Card():
                self._card(part)
            case Carousel():
                self.is_carousel = True
                for card in part.cards:
                    self._card(card)
            case Media():
                self._media(part)
            case Form():
                self.words.append(f"**{escaped(part.title)}**" if part.title.strip() else "")
                label = (part.submit or _FILL_IN.get(self.language.partition("-")[0], _FILL_IN["en"]))[:80]
                self.rows.append(row([button(label, part.token, "primary")]))
            case Notice():
                self.words.append("\n".join(f"-# {line}" for line in escaped(part.text).split("\n") if line.strip()))
            case Raw() if part.channel == "discord":
                self._raw(part)
            case Rating() | Table() | Sources() | Location() | VCard() | Raw():
                self.words.append(escaped(plain(part)))
            case _:
                assert_never(part)

    def _card(self, card: Card) -> None:
        self.cards.append(card)
        if _is_ours(card.image) and card.image not in self.painted:
            named = Media("image", card.image, f"picture-{len(self.painted) + 1}", alt=card.title)
            self.painted[card.image] = self._upload(named)

    def _media(self, media: Media) -> None:
        said = "\n".join(filter(None, (media.caption, media.transcript)))
        self.words.append(escaped(said))
        about = (media.alt or media.name)[:1024]
        if _is_ours(media.ref):
            self.files.append((media, self._upload(media)))
        elif media.ref.startswith(("https://", "http://")) and media.kind in ("image", "sticker"):
            self.pictures.append({"media": {"url": media.ref}} | ({"description": about} if about else {}))
        elif media.ref.startswith(("https://", "http://")):
            self.words.append(f"[{escaped(media.alt or media.name or media.kind)}](<{media.ref}>)")
        else:
            self.words.append(escaped(plain(media)) if not said else "")

    def _upload(self, media: Media) -> Upload:
        """Under a name that no other of the message bears: it is referred to by it."""
        stem, dot, ending = (re.sub(r"[^\w.\-]+", "_", media.name) or media.kind).rpartition(".")
        stem, ending = (stem, ending) if dot and stem else (stem + dot + ending, "")
        ending = ending or (mimetypes.guess_extension(media.type) or "").lstrip(".") or "bin"
        taken = {upload.name for upload in (*self.painted.values(), *(upload for _, upload in self.files))}
        names = (f"{stem[:180]}{number}.{ending[:16]}" for number in ("", *(f"-{n}" for n in range(2, 100))))
        name = next(each for each in names if each not in taken)
        return Upload(name, media.ref, media.alt[:1024], media.size)

    def _raw(self, raw: Raw) -> None:
        payload = raw.payload
        self.words.append(str(payload.get("content") or ""))
        self.embeds += payload.get("embeds") or []
        shown = payload.get("components") or []
        if (payload.get("flags") or 0) & COMPONENTS_V2:
            self.blocks += shown
        else:
            self.rows += shown

    def done(self, look: Look) -> tuple[Json, tuple[Upload, ...]]:
        """In Components v2 where that shows what the other cannot, and it fits into them."""
        wanted = self.blocks or ((self.is_carousel or self.pictures) and not self.embeds)
        if look == "components" or (look == "best" and wanted):
            try:
                return self._made(self._components())
            except Unshowable:
                if look == "components" or self.blocks:
                    raise
        return self._made(self._embeds())

    def _made(self, shown: Json) -> tuple[Json, tuple[Upload, ...]]:
        files = (*self.painted.values(), *(upload for _, upload in self.files))
        payload: Json = {"allowed_mentions": _NOBODY, **shown}
        if files:
            payload["attachments"] = [
                {"id": at, "filename": file.name} | ({"description": file.about} if file.about else {})
                for at, file in enumerate(files)
            ]
        checked(payload)
        return payload, files

    @property
    def _content(self) -> str:
        return "\n\n".join(word for word in self.words if word.strip())

    # Components v2

    def _components(self) -> Json:
        if self.embeds:
            raise Unshowable("embeds do not go with Components v2")
        shown = [
            {"media": {"url": f"attachment://{upload.name}"}} | ({"description": upload.about} if upload.about else {})
            for media, upload in self.files
            if media.kind in _SEEN
        ]
        others = [upload for media, upload in self.files if media.kind not in _SEEN]
        components: list[Json] = [
            *([{"type": WORDS, "content": self._content}] if self._content else []),
            *self.blocks,
            *(_container(card, self._address(card)) for card in self.cards),
            *([{"type": GALLERY, "items": [*self.pictures, *shown]}] if self.pictures or shown else []),
            *({"type": FILE, "file": {"url": f"attachment://{upload.name}"}} for upload in others),
            *self.rows,
        ]
        return {"flags": COMPONENTS_V2, "components": components}

    def _address(self, card: Card) -> str:
        return f"attachment://{self.painted[card.image].name}" if card.image in self.painted else card.image

    # Embeds

    def _embeds(self) -> Json:
        if self.blocks:
            raise Unshowable("Components v2 of a flow cannot be shown otherwise")
        content, rows = self._content, [*self.rows]
        embeds = [*self.embeds]
        for card in self.cards:
            embed = _embed(card, self._address(card))
            if embed and len(embeds) < 10:
                embeds.append(embed)
            else:
                content += "\n\n" + escaped("\n".join(filter(None, (card.title, card.body, card.meta))))
            rows += _pressed(card) if self.is_carousel else rows_of(card.options, listed=False, about=card.title)
        embeds += [{"image": {"url": one["media"]["url"]}} for one in self.pictures][: 10 - len(embeds)]
        payload: Json = {}
        payload |= {"content": content.strip("\n")} if content.strip() else {}
        payload |= {"embeds": embeds} if embeds else {}
        return payload | ({"components": rows} if rows else {})


def _is_ours(ref: str) -> bool:
    return ref.startswith(("kept:", "data:"))


def _container(card: Card, image: str) -> Json:
    """One card of several: a frame with its words, its picture and its buttons."""
    title = f"### {escaped(card.title.strip())}" if card.title.strip() else ""
    meta = f"-# {escaped(card.meta.strip())}" if card.meta.strip() else ""
    words = "\n".join(filter(None, (title, escaped(card.body.strip()), meta.replace("\n", "\n-# "))))
    item = {"media": {"url": image}} | ({"description": card.title[:1024]} if card.title.strip() else {})
    return {
        "type": CONTAINER,
        "components": [
            *([{"type": WORDS, "content": words}] if words else []),
            *([{"type": GALLERY, "items": [item]}] if image else []),
            *_pressed(card),
        ],
    }


def _pressed(card: Card) -> list[Json]:
    """In one row, whatever their number."""
    if len(card.options) > 5:
        return [row([select(card.options, card.title)])]
    return rows_of(card.options, listed=False, about=card.title)


def _embed(card: Card, image: str) -> Json:
    embed: Json = {}
    title, told = card.title.strip(), escaped(card.body)
    if len(escaped(title)) > 256:
        told, title = f"**{escaped(title)}**\n{told}", ""
    if title:
        embed["title"] = escaped(title)
    if told.strip():
        embed["description"] = told
    if card.meta.strip():
        embed["footer"] = {"text": card.meta}
    if image:
        embed["image"] = {"url": image}
    return embed


def draft(text: str) -> Json:
    """As much of a text that is still being written as one message holds, with what is open closed."""
    shown = written(markup.parse(markup.healed(text)))
    while len(shown) > LONGEST - 1:
        text = text[: len(text) - max(1, (len(shown) - LONGEST) // 2)]
        shown = written(markup.parse(markup.healed(text))) + "…"
    return {"content": shown or "…", "allowed_mentions": _NOBODY}
