"""Messages to calls of the Bot API: pure. One fitted piece is one call, where the platform can show it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from bot import markup
from bot.fit import plain
from bot.model import (
    Card,
    Carousel,
    Choices,
    Form,
    Location,
    Mark,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Raw,
    Sources,
    Span,
    Table,
    Text,
    VCard,
)
from bot.ports import Attachments, Buttons, Capabilities, Limit, Pace, Rate
from channels.telegram.entities import text_of, units
from channels.telegram.place import Place

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
MEGABYTE = 1024 * 1024
_MARKS: frozenset[Mark] = frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading"))
_WIDE = 24
"""Columns of a row of buttons on a telephone."""

PRIVATE = Capabilities(
    text=Limit(LONGEST_TEXT, "utf16"),
    caption=Limit(LONGEST_CAPTION, "utf16"),
    marks=_MARKS,
    parts=frozenset((Text, Choices, Card, Sources, Notice, Media, Location, VCard, Rating)),
    alone=frozenset((Location, VCard)),
    raw="telegram",
    buttons=Buttons(rows=25, per_row=1, label=60, token=64),
    files=Attachments(per_message=10, bytes_in=20 * MEGABYTE, bytes_out=50 * MEGABYTE),
    stream="native",
    stream_every=timedelta(seconds=1.1),
    typing_every=timedelta(seconds=4.5),
    can=frozenset(("edit", "delete", "react", "thread", "toast")),
    resend="blind",
    pace=Pace(account=Rate(30, timedelta(seconds=1)), chat=Rate(3, timedelta(seconds=3))),
)
"""What can be shown in a private chat."""
GROUP = replace(
    PRIVATE,
    stream="edit",
    stream_every=timedelta(seconds=3.1),
    pace=Pace(account=Rate(30, timedelta(seconds=1)), chat=Rate(20, timedelta(minutes=1))),
    shared=True,
)
"""Elsewhere: a draft would be seen by nobody."""
DIRECT = replace(GROUP, shared=False)
"""Direct messages of a channel: a chat of one person with those who run it."""
BUSINESS = replace(PRIVATE, stream="whole")
GUEST = replace(
    PRIVATE,
    parts=frozenset((Text, Sources, Notice)),
    buttons=None,
    files=None,
    stream="whole",
    shared=True,
    typing_every=None,
    can=frozenset(),
)
"""One answer, and nothing else."""


def capabilities_of(place: Place) -> Capabilities:
    if place.guest:
        return GUEST
    if place.business:
        return BUSINESS
    if place.direct:
        return DIRECT
    return PRIVATE if place.is_private else GROUP


class Call(Struct, frozen=True):
    """One call of the platform."""

    method: str
    payload: dict[str, Any]

    def of(self, method: str, **changed: Any) -> Call:
        return Call(method, {**self.payload, **changed})


def render(place: Place, message: Message, *, clear: bool = False) -> tuple[Call, ...]:
    """`clear`: a reply keyboard that stands below the chat is taken away."""
    if len(message.parts) == 1 and isinstance(raw := message.parts[0], Raw) and "method" in raw.payload:
        given = {name: value for name, value in raw.payload.items() if name != "method"}
        return (Call(str(raw.payload["method"]), {**given, **place.arguments()}),)
    return tuple(_Writing(place, clear).calls(message.parts))


def draft(place: Place, text: str, draft_id: int) -> Call:
    words, entities = _shown(markup.parse(markup.healed(text)), place)
    while entities and entities[-1]["offset"] + entities[-1]["length"] > LONGEST_TEXT:
        entities.pop()
    short = words.encode("utf-16-le", "surrogatepass")[: LONGEST_TEXT * 2].decode("utf-16-le", "ignore")
    return Call("sendMessageDraft", {**place.arguments(), "draft_id": draft_id, **_worded(short, entities)})


class _Writing(Struct):
    place: Place
    clear: bool

    def calls(self, parts: Sequence[Part]) -> Iterator[Call]:
        spans: list[Span] = []
        files: list[Media] = []
        options: Choices | None = None
        for part in parts:
            match part:
                case Media():
                    files.append(part)
                case Location() | VCard():
                    yield from self._said(spans, files, None)
                    spans, files = [], []
                    yield self._call(*_thing(part))
                case Choices():
                    _add(spans, (Span(part.prompt),))
                    options = part
                case Rating():
                    _add(spans, (Span(part.prompt),))
                    grades = part.options or tuple(Option(label, label) for label in _grades(part))
                    options = Choices(grades, look="buttons" if part.options else "quick")
                case Card() if part.image:
                    yield from self._said(spans, files, None)
                    spans, files = [], []
                    yield self._picture(part)
                case Card():
                    _add(spans, _card(part))
                    options = Choices(part.options, look="buttons") if part.options else options
                case _:
                    _add(spans, _written(part))
        yield from self._said(spans, files, options)

    def _said(self, spans: list[Span], files: Sequence[Media], options: Choices | None) -> Iterator[Call]:
        words, entities = _shown(spans, self.place)
        keyboard = self._keyboard(options)
        if not files:
            if words or keyboard:
                yield self._call("sendMessage", _worded(words or "⋯", entities) | _PLAIN_LINKS | keyboard)
            return
        captions, marks = [file.caption for file in files], dict[str, Any]()
        if words and not any(captions) and units(words) <= LONGEST_CAPTION:
            captions[0] = words
            marks |= {"caption_entities": entities} if entities else {}
            words = ""
        if words:
            yield self._call("sendMessage", _worded(words, entities) | _PLAIN_LINKS)
        if len(files) > 1:
            media = [
                {"type": _KINDS[file.kind][1], "media": file.ref} | ({"caption": caption} if caption else {})
                for file, caption in zip(files, captions, strict=True)
            ]
            media[0] = {**media[0], **marks}
            yield self._call("sendMediaGroup", {"media": media})
            if keyboard:
                yield self._call("sendMessage", _worded("⋯", []) | keyboard)
            return
        method, kind = _KINDS[files[0].kind]
        caption = captions[0] or (files[0].alt if kind == "photo" else "")[:LONGEST_CAPTION]
        told = {kind: files[0].ref} | ({"caption": caption} if caption else {}) | marks
        yield self._call(method, told | keyboard)

    def _picture(self, card: Card) -> Call:
        words, entities = _shown(_card(card), self.place)
        told = {"photo": card.image} | ({"caption": words} if words else {})
        options = Choices(card.options, look="buttons") if card.options else None
        return self._call(
            "sendPhoto", told | ({"caption_entities": entities} if entities else {}) | self._keyboard(options)
        )

    def _call(self, method: str, told: dict[str, Any]) -> Call:
        return Call(method, {**self.place.arguments(), **told})

    def _keyboard(self, choices: Choices | None) -> dict[str, Any]:
        options = choices.options if choices is not None else ()
        if not options:
            return {"reply_markup": {"remove_keyboard": True}} if self.clear else {}
        below = choices is not None and choices.look == "quick" and self.place.is_private and not self.place.business
        if below:
            rows = [[{"text": option.label} for option in row] for row in _rows(options)]
            keyboard = {"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True}
            return {"reply_markup": keyboard}
        rows = [[{"text": o.label, "callback_data": o.token or o.label[:20]} for o in row] for row in _rows(options)]
        return {"reply_markup": {"inline_keyboard": rows}}


_PLAIN_LINKS = {"link_preview_options": {"is_disabled": True}}
_KINDS = {
    "image": ("sendPhoto", "photo"),
    "audio": ("sendAudio", "audio"),
    "voice": ("sendVoice", "voice"),
    "video": ("sendVideo", "video"),
    "sticker": ("sendSticker", "sticker"),
    "file": ("sendDocument", "document"),
}


def _worded(words: str, entities: list[dict[str, Any]]) -> dict[str, Any]:
    return {"text": words} | ({"entities": entities} if entities else {})


def _shown(spans: Sequence[Span], place: Place) -> tuple[str, list[dict[str, Any]]]:
    """In groups nobody is called by accident."""
    if place.is_private:
        return text_of(spans)
    words, entities = text_of([Span(markup.inert(span.text), span.marks, span.link) for span in spans])
    if units(words) <= LONGEST_TEXT:
        return words, entities
    return text_of([Span(span.text.replace("@", "\uff20"), span.marks, span.link) for span in spans])


def _rows(options: Sequence[Option]) -> Iterator[list[Option]]:
    """As many side by side as can be read on a telephone."""
    row: list[Option] = []
    for option in options:
        if row and (len(row) == 4 or sum(len(each.label) + 3 for each in (*row, option)) > _WIDE):
            yield row
            row = []
        row.append(option)
    yield row


def _add(spans: list[Span], more: Sequence[Span]) -> None:
    if any(span.text.strip() for span in more):
        if spans:
            spans.append(Span("\n\n"))
        spans += more


def _card(card: Card) -> tuple[Span, ...]:
    rest = "\n".join(filter(None, (card.body, card.meta)))
    return Span(card.title, ("bold",)), Span("\n" if card.title and rest else ""), Span(rest)


def _grades(rating: Rating) -> tuple[str, ...]:
    return ("👍", "👎") if rating.scale == 2 else tuple(str(grade) for grade in range(1, rating.scale + 1))


def _thing(part: Location | VCard) -> tuple[str, dict[str, Any]]:
    match part:
        case Location(label=""):
            return "sendLocation", {"latitude": part.latitude, "longitude": part.longitude}
        case Location():
            title, _, address = part.label.partition(", ")
            place = {"latitude": part.latitude, "longitude": part.longitude}
            return "sendVenue", place | {"title": title[:256], "address": address[:256] or title[:256]}
        case VCard(phone=""):
            return "sendMessage", _worded(plain(part), [])
        case VCard():
            return "sendContact", {"phone_number": part.phone, "first_name": part.name[:64]}


def _written(part: Part) -> tuple[Span, ...]:
    match part:
        case Text():
            return part.spans
        case Sources():
            lines: list[Span] = []
            for number, source in enumerate(part.sources, 1):
                lines += (Span(f"{number}. "), Span(source.title, (), source.address), Span("\n"))
            return tuple(lines[:-1])
        case Table():
            return Span(part.title, ("bold",)), Span("\n" if part.title else ""), Span(plain(part), ("fence",))
        case Notice() | Carousel() | Form() | Raw():
            return (Span(plain(part)),)
        case Media() | Location() | VCard() | Choices() | Card() | Rating():
            raise AssertionError("it is shown in its own way")
        case _:
            assert_never(part)
