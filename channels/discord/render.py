"""A fitted message as Discord wants it. Pure: a message in, a `Call` out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot import markup
from bot.errors import Unshowable
from bot.fit import plain
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Location,
    Mark,
    Media,
    Message,
    Notice,
    Option,
    Rating,
    Raw,
    Sources,
    Span,
    Table,
    Text,
    VCard,
)
from channels.discord.parse import MEMBER

Json = dict[str, Any]

LONGEST = 2000
EPHEMERAL, COMPONENTS_V2 = 1 << 6, 1 << 15
FIELDS = 5
"""Most of one modal."""
SELECT = "choose:"
"""Before a select's id, which is that of its first option."""

_NOBODY: Json = {"parse": []}
_ESCAPED = re.compile(r"()([\\*_~`|<>\[\]])|^([ \t]*)([#+-])", re.MULTILINE)
_ADDRESS = re.compile(r"(https?://[^\s<>]+)")
_SEAM = "\u200b"
"""Between two runs of another look: their signs would be read as one."""
_AROUND: dict[Mark, str] = {"bold": "**", "italic": "*", "strike": "~~"}
_STYLES = {"primary": 1, "secondary": 2}


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes
    about: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` holds places for ids."""

    method: Literal["GET", "POST", "PATCH", "DELETE", "PUT"]
    path: str
    ids: Mapping[str, str]
    payload: Json | list[Json] | None = None
    files: tuple[Upload, ...] = ()


def place_of(to: Address) -> str:
    """The channel a message goes to: of a thread its own id."""
    return to.thread if to.thread and not to.thread.startswith(MEMBER) else to.chat


def render(to: Address, message: Message, *, key: str) -> Call:
    """Raises `Unshowable` for what no fitting can have made."""
    payload, files = body(message, to)
    payload |= {"nonce": nonce(key), "enforce_nonce": True}
    return Call("POST", "/channels/{channel_id}/messages", {"channel_id": place_of(to)}, payload, files)


def rewritten(to: Address, ref: str, message: Message) -> Call:
    """The same in the place of what stands there."""
    payload, files = body(message, to)
    payload = {"content": None, "embeds": [], "components": [], "attachments": []} | payload
    ids = {"channel_id": place_of(to), "message_id": ref}
    return Call("PATCH", "/channels/{channel_id}/messages/{message_id}", ids, payload, files)


def nonce(key: str) -> str:
    """At most 25 characters, the same for the same key."""
    return base64.urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=16).digest()).decode().rstrip("=")


def body(message: Message, to: Address | None = None) -> tuple[Json, tuple[Upload, ...]]:
    made = _Body()
    if to is not None and to.thread.startswith(MEMBER):
        made.words.append(f"<@{to.thread.removeprefix(MEMBER)}>")
    for part in message.parts:
        made.add(part)
    return made.done()


class _Body:
    def __init__(self) -> None:
        self.words = list[str]()
        self.embeds = list[Json]()
        self.rows = list[Json]()
        self.pictures = list[Json]()
        """By address: shown in a gallery, which has a place for what is to be seen on them."""
        self.files = list[Upload]()

    def add(self, part: object) -> None:
        match part:
            case Text():
                self.words.append(written(part.spans))
            case Choices():
                self.words.append(escaped(part.prompt))
                self.rows += rows_of(part.options, listed=part.look == "list", about=part.prompt)
            case Card():
                self._card(part)
            case Media():
                self._media(part)
            case Form():
                self.words.append(f"**{escaped(part.title)}**" if part.title.strip() else "")
                label = (part.submit or part.title or "…")[:80]
                self.rows.append(row([button(label, part.token, "primary")]))
            case Notice():
                self.words.append("\n".join(f"-# {line}" for line in escaped(part.text).split("\n") if line.strip()))
            case Raw() if part.channel == "discord":
                self._raw(part)
            case Rating() | Carousel() | Table() | Sources() | Location() | VCard() | Raw():
                self.words.append(escaped(plain(part)))
            case _:
                raise TypeError(f"{part!r} is no part")

    def _card(self, card: Card) -> None:
        self.rows += rows_of(card.options, listed=False, about=card.title)
        if len(self.embeds) == 10:
            self.words.append(escaped("\n".join(filter(None, (card.title, card.body, card.meta)))))
            return
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
        if card.image:
            embed["image"] = {"url": card.image}
        if embed:
            self.embeds.append(embed)

    def _media(self, media: Media) -> None:
        said = "\n".join(filter(None, (media.caption, media.transcript)))
        self.words.append(escaped(said))
        about = (media.alt or media.name)[:1024]
        if media.ref.startswith("data:"):
            name = re.sub(r"[^\w.\-]+", "_", media.name) or f"{media.kind}.bin"
            self.files.append(Upload(name[-200:], _bytes(media), media.alt[:1024]))
        elif media.ref.startswith(("https://", "http://")) and media.kind in ("image", "sticker"):
            self.pictures.append({"media": {"url": media.ref}} | ({"description": about} if about else {}))
        elif media.ref.startswith(("https://", "http://")):
            self.words.append(f"[{escaped(media.alt or media.name or media.kind)}](<{media.ref}>)")
        else:
            self.words.append(escaped(plain(media)) if not said else "")

    def _raw(self, raw: Raw) -> None:
        payload = raw.payload
        self.words.append(str(payload.get("content") or ""))
        self.embeds += payload.get("embeds") or []
        self.rows += payload.get("components") or []

    def done(self) -> tuple[Json, tuple[Upload, ...]]:
        content = "\n\n".join(word for word in self.words if word.strip())
        if len(content) > LONGEST:
            raise Unshowable(f"{len(content)} characters after rendering; Discord takes {LONGEST}")
        if len(self.rows) > 5:
            raise Unshowable(f"{len(self.rows)} rows of buttons; Discord takes 5")
        payload: Json = {"allowed_mentions": _NOBODY}
        if self.pictures and not (self.embeds or self.files):
            gallery = {"type": 12, "items": self.pictures[:10]}
            words = [{"type": 10, "content": content}] if content else []
            payload |= {"flags": COMPONENTS_V2, "components": [*words, gallery, *self.rows]}
            return payload, ()
        embeds = [*self.embeds, *({"image": {"url": one["media"]["url"]}} for one in self.pictures)][:10]
        payload |= {"content": content} if content else {}
        payload |= {"embeds": embeds} if embeds else {}
        payload |= {"components": self.rows} if self.rows else {}
        if self.files:
            payload["attachments"] = [
                {"id": at, "filename": file.name} | ({"description": file.about} if file.about else {})
                for at, file in enumerate(self.files)
            ]
        return payload, tuple(self.files)


def _bytes(media: Media) -> bytes:
    head, _, data = media.ref.partition(",")
    try:
        return base64.b64decode(data, validate=True) if head.endswith(";base64") else data.encode()
    except ValueError as error:
        raise Unshowable(f"{media.name or media.kind}: its bytes cannot be read") from error


# Buttons and lists


def rows_of(options: Sequence[Option], *, listed: bool, about: str) -> list[Json]:
    if not options:
        return []
    if listed and len(options) <= 25:
        return [row([select(options, about)])]
    made = [button(option.label, option.token, "secondary") for option in options]
    return [row(made[at : at + 5]) for at in range(0, len(made), 5)]


def row(components: Sequence[Json]) -> Json:
    return {"type": 1, "components": list(components)}


def button(label: str, token: str, style: Literal["primary", "secondary"]) -> Json:
    return {"type": 2, "style": _STYLES[style], "label": label[:80] or "…", "custom_id": token}


def select(options: Sequence[Option], about: str) -> Json:
    listed = [{"label": option.label[:100] or "…", "value": option.token} for option in options]
    hint = {"placeholder": about.strip()[:150]} if about.strip() else {}
    return {"type": 3, "custom_id": f"{SELECT}{options[0].token}"[:100], "options": listed} | hint


def used(components: Sequence[Json], token: str) -> list[Json]:
    """The same components after one was chosen: nothing can be pressed any more, and the choice is seen."""
    made = list[Json]()
    for one in components:
        shown = dict(one)
        match one.get("type"):
            case 1 | 17:
                shown["components"] = used(one.get("components") or [], token)
            case 2 if one.get("style") != 5:
                chosen = {"style": 1} if one.get("custom_id") == token else {}
                shown |= {"disabled": True} | chosen
            case 3:
                options = [option | {"default": option.get("value") == token} for option in one.get("options") or []]
                shown |= {"disabled": True, "options": options}
        made.append(shown)
    return made


def modal(form: Form, fields: Sequence[Field], values: Mapping[str, Any], wrong: Mapping[str, str]) -> Json:
    """The window of at most five fields, with what is known already."""
    rows = [
        _field(field, str(values.get(field.name, field.value) or ""), wrong.get(field.name, "")) for field in fields
    ]
    title = form.title.strip() or form.submit.strip() or fields[0].label
    return {"title": _cut(title, 45) or "…", "custom_id": form.token, "components": rows[:FIELDS]}


def _field(field: Field, value: str, wrong: str) -> Json:
    options = field.options or (_YES_NO if field.type == "yes_no" else ())
    about = wrong or field.hint or (field.label if len(field.label) > 45 else "")
    label: Json = {"type": 18, "label": _cut(field.label, 45) or "…"}
    label |= {"description": _cut(about, 100)} if about.strip() else {}
    if options and len(options) <= 25 and field.type in ("choice", "yes_no"):
        listed = [
            {"label": _cut(one.label, 100) or "…", "value": (one.value or one.label)[:100]}
            | ({"default": True} if value and value in (one.value, one.label) else {})
            for one in options
        ]
        inner: Json = {"type": 3, "custom_id": field.name[:100], "options": listed, "required": field.required}
        inner |= {} if field.required else {"min_values": 0}
        return label | {"component": inner}
    inner = {"type": 4, "custom_id": field.name[:100], "style": 2 if field.type == "long_text" else 1}
    inner |= {"required": field.required, "max_length": 4000} | ({"value": value[:4000]} if value else {})
    return label | {"component": inner}


_YES_NO = (Option("👍", "yes"), Option("👎", "no"))


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


# Text


def draft(text: str) -> Json:
    """As much of a text that is still being written as one message holds, with what is open closed."""
    spans = markup.parse(text + "**" * (text.count("**") % 2))
    shown = written(spans)
    while len(shown) > LONGEST - 1:
        text = text[: len(text) - max(1, (len(shown) - LONGEST) // 2)]
        shown = written(markup.parse(text + "**" * (text.count("**") % 2))) + "…"
    return {"content": shown or "…", "allowed_mentions": _NOBODY}


def escaped(text: str) -> str:
    """Characters that show as themselves; addresses stay whole."""
    parts = _ADDRESS.split(text)
    return "".join(part if number % 2 else _ESCAPED.sub(_escape, part) for number, part in enumerate(parts))


def _escape(met: re.Match[str]) -> str:
    return f"{met[1] or met[3] or ''}\\{met[2] or met[4]}"


def written(spans: Iterable[Span]) -> str:
    """Discord's markdown of it. What spans several lines is marked on each, and a fence stands on lines of its own."""
    made = list[str]()
    fence = list[str]()
    around = ""
    for line in _lines(spans):
        marks = _marks(line)
        if "fence" not in marks and fence:
            made += _fenced(fence, around)
            fence.clear()
        if "fence" in marks:
            around = "> " if "quote" in marks else ""
            fence.append("".join(span.text for span in line))
            continue
        before = ("> " if "quote" in marks else "") + ("## " if "heading" in marks else "")
        made.append(before + _inline(line))
    return "\n".join((*made, *(_fenced(fence, around) if fence else ())))


def _lines(spans: Iterable[Span]) -> list[list[Span]]:
    made: list[list[Span]] = [[]]
    for span in spans:
        first, *others = span.text.split("\n")
        made[-1].append(Span(first, span.marks, span.link))
        made += [[Span(line, span.marks, span.link)] for line in others]
    return made


def _marks(line: Sequence[Span]) -> set[Mark]:
    """Of its characters; of a line without any, of the spans that it is part of."""
    shown = [span for span in line if span.text] or line
    return {mark for span in shown for mark in span.marks}


def _fenced(lines: Sequence[str], around: str) -> list[str]:
    inside = [line.replace("```", f"``{_SEAM}`") for line in lines]
    return [around + line for line in ("```", *inside, "```")]


def _inline(line: Sequence[Span]) -> str:
    made = ""
    for span in line:
        words = span.text.strip()
        if not words:
            made += span.text
            continue
        shown = _looking(words, span)
        lead, trail = span.text[: len(span.text) - len(span.text.lstrip())], span.text[len(span.text.rstrip()) :]
        seam = _SEAM if not lead and made[-1:] in ("*", "~", "`") and shown[:1] in ("*", "~", "`") else ""
        made += lead + seam + shown + trail
    return made


def _looking(words: str, span: Span) -> str:
    if "code" in span.marks:
        shown = f"`` {words} ``" if "`" in words else f"`{words}`"
    elif span.link and span.link != words:
        shown = f"[{escaped(words)}](<{span.link}>)"
    elif span.link:
        shown = words
    else:
        shown = escaped(words)
    for mark, sign in _AROUND.items():
        if mark in span.marks:
            shown = f"{sign}{shown}{sign}"
    return shown
