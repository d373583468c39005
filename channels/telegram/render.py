"""Messages to calls of the Bot API: pure. One fitted piece is one call, where the platform can show it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from bot import markup
from bot.fit import fit, plain
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
from bot.ports import KEPT, Attachments, Buttons, Capabilities, Limit, Pace, Rate
from channels.telegram.entities import text_of, units
from channels.telegram.place import Place
from channels.telegram.rich import LONGEST_RICH, MOST_COLUMNS, MOST_ROWS, blocks_of, table_block

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
MEGABYTE = 1024 * 1024
LONGEST_PHOTO = 10 * MEGABYTE
_MARKS: frozenset[Mark] = frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading"))
_WIDE = 24
"""Columns of a row of buttons on a telephone."""

PRIVATE = Capabilities(
    text=Limit(LONGEST_TEXT, "utf16"),
    caption=Limit(LONGEST_CAPTION, "utf16"),
    marks=_MARKS,
    parts=frozenset((Text, Choices, Card, Table, Sources, Notice, Media, Location, VCard, Rating)),
    alone=frozenset((Location, VCard)),
    table=(MOST_ROWS, MOST_COLUMNS),
    raw="telegram",
    buttons=Buttons(rows=25, per_row=1, label=60, token=64),
    files=Attachments(per_message=10, bytes_in=20 * MEGABYTE, bytes_out=50 * MEGABYTE),
    stream="native",
    stream_every=timedelta(seconds=1.1),
    typing_every=timedelta(seconds=4.5),
    can=frozenset(("edit", "delete", "react", "reply_to", "thread", "toast", "share")),
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
    can=PRIVATE.can - {"share"} | {"private_note"},
)
"""Elsewhere: a draft would be seen by nobody."""
DIRECT = replace(GROUP, shared=False, can=PRIVATE.can - {"share"})
"""Direct messages of a channel: a chat of one person with those who run it."""
BUSINESS = replace(PRIVATE, stream="whole", can=PRIVATE.can - {"react", "share"})
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
    files: tuple[Media, ...] = ()
    """Of ours: the payload names them by their `ref`, and they have to be uploaded."""
    instead: Call | None = None
    """What says the same with less, for a server that does not take this."""

    def of(self, **told: Any) -> Call:
        """The same, and that as well."""
        instead = self.instead.of(**told) if self.instead else None
        return Call(self.method, {**self.payload, **told}, self.files, instead)


def render(place: Place, message: Message, *, clear: bool = False) -> tuple[Call, ...]:
    """`clear`: a reply keyboard that stands below the chat is taken away."""
    if len(message.parts) == 1 and isinstance(raw := message.parts[0], Raw) and "method" in raw.payload:
        given = {name: value for name, value in raw.payload.items() if name != "method"}
        return (Call(str(raw.payload["method"]), {**given, **place.arguments()}),)
    return tuple(_Writing(place, clear, message.only_for).calls(message.parts))


def draft(place: Place, text: str, draft_id: int) -> Call:
    """What is written so far, with a button that ends it."""
    spans = markup.parse(markup.healed(text))
    words, entities = _shown(spans, place)
    while entities and entities[-1]["offset"] + entities[-1]["length"] > LONGEST_TEXT:
        entities.pop()
    short = words.encode("utf-16-le", "surrogatepass")[: LONGEST_TEXT * 2].decode("utf-16-le", "ignore")
    told = {**place.arguments(), "draft_id": draft_id, "can_stop": True, "keep_on_stop": True}
    begun = Call("sendMessageDraft", {**told, **_worded(short, entities)})
    if short == words or len(words) > LONGEST_RICH:
        return begun
    return Call("sendRichMessageDraft", {**told, "rich_message": {"blocks": blocks_of(spans)}}, instead=begun)


class _Writing(Struct):
    place: Place
    clear: bool
    only_for: str

    def calls(self, parts: Sequence[Part]) -> Iterator[Call]:
        spans: list[Span] = []
        blocks: list[dict[str, Any]] = []
        files: list[Media] = []
        options: Choices | None = None
        written = 0
        """How many of the spans are in blocks already."""
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
                case Table() if part.columns:
                    blocks += [*self._blocks(spans[written:]), table_block(self._inert(part))]
                    _add(spans, _plain_table(part))
                    written = len(spans)
                case _:
                    _add(spans, _written(part))
        if blocks:
            blocks += self._blocks(spans[written:])
        yield from self._said(spans, files, options, blocks)

    def _said(
        self,
        spans: list[Span],
        files: Sequence[Media],
        options: Choices | None,
        blocks: Sequence[dict[str, Any]] = (),
    ) -> Iterator[Call]:
        words, entities = _shown(spans, self.place)
        keyboard = self._keyboard(options)
        if not files:
            if words or keyboard:
                said = self._call("sendMessage", _worded(words or "⋯", entities) | _PLAIN_LINKS | keyboard)
                yield self._rich(blocks, keyboard, said) if blocks else said
            return
        caption, marks = "\n".join(filter(None, (file.caption for file in files))), list[dict[str, Any]]()
        if units(caption) > LONGEST_CAPTION:
            yield self._call("sendMessage", _worded(caption, []) | _PLAIN_LINKS)
            caption = ""
        if words and not caption and units(words) <= LONGEST_CAPTION:
            caption, marks, words = words, entities, ""
        if words:
            yield self._call("sendMessage", _worded(words, entities) | _PLAIN_LINKS)
        if len(files) > 1 and not self.only_for:  # an album is seen by all
            yield self._album(files, caption, marks)
            if keyboard:
                yield self._call("sendMessage", _worded("⋯", []) | keyboard)
            return
        for number, file in enumerate(files, 1):
            yield self._file(file, caption, marks, keyboard if number == len(files) else {})
            caption, marks = "", []

    def _album(self, files: Sequence[Media], caption: str, marks: list[dict[str, Any]]) -> Call:
        """Pictures and videos may stand together; whatever is neither makes all of it documents."""
        first: dict[str, Any] = {"caption": caption} if caption else {}
        first |= {"caption_entities": marks} if marks else {}
        kinds = [_look(file, is_one=False)[1] for file in files]
        if len(set(kinds)) > 1 and not set(kinds) <= {"photo", "video"}:
            kinds = ["document"] * len(files)

        def shown(kinds: Sequence[str], instead: Call | None = None) -> Call:
            media = [{"type": kind, "media": file.ref} for kind, file in zip(kinds, files, strict=True)]
            return self._call("sendMediaGroup", {"media": [media[0] | first, *media[1:]]}, files, instead)

        documents = shown(["document"] * len(files)) if all(map(_is_ours, files)) and "photo" in kinds else None
        return shown(kinds, documents)

    def _file(self, file: Media, caption: str, marks: list[dict[str, Any]], keyboard: dict[str, Any]) -> Call:
        caption = caption or (file.alt if file.kind == "image" else "")[:LONGEST_CAPTION]
        told = ({"caption": caption} if caption else {}) | ({"caption_entities": marks} if marks else {}) | keyboard
        method, kind = _look(file)
        document = self._call("sendDocument", {"document": file.ref, **told}, (file,)) if _is_ours(file) else None
        more = {"supports_streaming": True} if kind == "video" else {}
        return self._call(method, {kind: file.ref, **more, **told}, (file,), document if kind == "photo" else None)

    def _picture(self, card: Card) -> Call:
        words, entities = _shown(_card(card), self.place)
        options = Choices(card.options, look="buttons") if card.options else None
        return self._file(Media("image", card.image), words, entities, self._keyboard(options))

    def _rich(self, blocks: Sequence[dict[str, Any]], keyboard: dict[str, Any], instead: Call) -> Call:
        return self._call("sendRichMessage", {"rich_message": {"blocks": list(blocks)}} | keyboard, instead=instead)

    def _blocks(self, spans: Sequence[Span]) -> list[dict[str, Any]]:
        inert = not self.place.is_private
        return blocks_of([Span(markup.inert(span.text), span.marks, span.link) if inert else span for span in spans])

    def _inert(self, table: Table) -> Table:
        if self.place.is_private:
            return table
        rows = tuple(tuple(map(markup.inert, row)) for row in table.rows)
        return Table(tuple(map(markup.inert, table.columns)), rows, markup.inert(table.title))

    def _call(
        self, method: str, told: dict[str, Any], files: Sequence[Media] = (), instead: Call | None = None
    ) -> Call:
        where = self.place.arguments()
        if self.only_for:
            where["ephemeral_message_parameters"] = {"receiver_user_id": int(self.only_for)}
        return Call(method, {**where, **told}, tuple(filter(_is_ours, files)), instead)

    def _keyboard(self, choices: Choices | None) -> dict[str, Any]:
        options = choices.options if choices is not None else ()
        if not options:
            return {"reply_markup": {"remove_keyboard": True}} if self.clear else {}
        below = choices is not None and choices.look == "quick" and self.place.is_private and not self.place.business
        if below:
            rows = [[{"text": option.label, **_SHARES[option.shares]} for option in row] for row in _rows(options)]
            keyboard = {"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True}
            return {"reply_markup": keyboard}
        pressed = [option for option in options if not option.shares]
        rows = [[{"text": o.label, "callback_data": o.token or o.label[:20]} for o in row] for row in _rows(pressed)]
        return {"reply_markup": {"inline_keyboard": rows}}


_SHARES: dict[str, dict[str, bool]] = {"": {}, "number": {"request_contact": True}, "place": {"request_location": True}}
_PLAIN_LINKS = {"link_preview_options": {"is_disabled": True}}
_KINDS = {
    "image": ("sendPhoto", "photo"),
    "audio": ("sendAudio", "audio"),
    "voice": ("sendVoice", "voice"),
    "video": ("sendVideo", "video"),
    "sticker": ("sendSticker", "sticker"),
    "file": ("sendDocument", "document"),
}
_TYPES = {
    "photo": frozenset(("image/jpeg", "image/png", "image/webp")),
    "audio": frozenset(("audio/mpeg", "audio/mp4", "audio/aac")),
    "voice": frozenset(("audio/ogg", "audio/mpeg", "audio/mp4")),
    "video": frozenset(("video/mp4",)),
    "sticker": frozenset(("image/webp",)),
}
"""What the app shows in its own way; the rest is a file to be opened elsewhere."""


def _look(file: Media, *, is_one: bool = True) -> tuple[str, str]:
    """Method and name of what it is shown as. `is_one`: by itself."""
    method, kind = _KINDS[file.kind]
    if not _is_ours(file) or not file.type:
        return method, kind
    if kind == "photo" and file.type == "image/gif" and is_one:
        return "sendAnimation", "animation"
    is_large = kind == "photo" and file.size > LONGEST_PHOTO
    return _KINDS["file"] if is_large or file.type not in _TYPES.get(kind, (file.type,)) else (method, kind)


def _is_ours(file: Media) -> bool:
    return file.ref.startswith(KEPT)


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
            return _plain_table(part)
        case Notice() | Carousel() | Form() | Raw():
            return (Span(plain(part)),)
        case Media() | Location() | VCard() | Choices() | Card() | Rating():
            raise AssertionError("it is shown in its own way")
        case _:
            assert_never(part)


_WITHOUT_TABLES = replace(PRIVATE, parts=PRIVATE.parts - {Table})


def _plain_table(table: Table) -> tuple[Span, ...]:
    pieces = fit(Message((table,)), _WITHOUT_TABLES).pieces
    return tuple(span for piece in pieces for part in piece.parts if isinstance(part, Text) for span in part.spans)
