"""A message fitted to what a channel can show: pieces, each one visible message there, and what a reader would miss.

Pure and total. Nothing is cut off: what is too long is split, what cannot be shown becomes text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

import msgspec
import regex

from bot import markup
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
from bot.ports import Buttons, Capabilities, Limit

_WHOLE = r"(?![\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}])"  # what follows does not belong to what was before
_CUTS = tuple(
    regex.compile(pattern)
    for pattern in (
        r"\n(?:[^\S\n]*\n)+",  # paragraph
        r"\n",  # line
        rf"""(?<=[.!?…]["'”’»)\]]?)[^\S\n]+{_WHOLE}|(?<=[。！？]["'”’»」』）]?){_WHOLE}""",  # sentence
        rf"\s+{_WHOLE}",  # word
    )
)
_GRAPHEME = regex.compile(r"\X")
_WORDS = regex.compile(r"\S")
_LONGEST_GAP = 1_000
_BETWEEN = 2  # characters between two parts: an empty line


@dataclass(frozen=True, slots=True)
class Loss:
    """One change a reader could notice."""

    part: str
    """The part's tag: `text`, `choices`, `card`, ..."""
    kind: Literal["mark", "link", "buttons", "part"]
    """`mark`, `link`: shown as plain characters; `buttons`: options as a numbered list; `part`: the part as text."""
    detail: str = ""
    """Which mark, or which option did not go on a button."""


@dataclass(frozen=True, slots=True)
class Fitted:
    pieces: tuple[Message, ...]
    """Each is one visible message with one receipt; empty when the message shows nothing."""
    losses: tuple[Loss, ...]
    """Each once, in the order of the parts. A message that is `strict` must not be sent when there are any."""


def fit(message: Message, to: Capabilities) -> Fitted:
    """Fitting a piece again gives that piece.

    The plain text of the pieces is the message's, but for white space at the cuts. Buttons stand at the end of the last
    piece; where a message has several sets of them, each ends a piece of its own.
    """
    shown = _Showable(to)
    for part in _choices_last(message.parts):
        shown.add(part)
    pieces = tuple(
        msgspec.structs.replace(message, parts=parts, reply_to=None if number else message.reply_to)
        for number, parts in enumerate(_pieces(shown.parts, to.text))
    )
    return Fitted(pieces, tuple(dict.fromkeys(shown.losses)))


def plain(part: Part) -> str:
    """What a part says in characters alone: options one numbered line each, sources numbered with their addresses."""
    match part:
        case Text():
            return markup.plain(part.spans)
        case Choices():
            return _lines(part.prompt, *_numbered(part.options))
        case Card():
            return _lines(part.title, part.body, part.meta, *_numbered(part.options))
        case Sources():
            return _lines(
                *(
                    f"{number}. {source.title}" + (f" ({source.address})" if source.address else "")
                    for number, source in enumerate(part.sources, 1)
                )
            )
        case Notice():
            return part.text
        case Media():
            named = f"[{part.kind}] {part.alt or part.name}".strip()
            return _lines(named, part.caption, part.transcript)
        case Location():
            at = f"{part.latitude:.6f},{part.longitude:.6f}"
            return _lines(part.label, f"https://www.openstreetmap.org/?mlat={at.replace(',', '&mlon=')}")
        case Rating():
            return _lines(part.prompt, "👍 / 👎" if part.scale == 2 else f"1-{part.scale}")
        case Carousel():
            return "\n\n".join(map(plain, part.cards))
        case Table():
            rows = (" | ".join(row) for row in (part.columns, *part.rows))
            return _lines(part.title, *rows)
        case Form():
            return _lines(part.title, *(field.label for field in part.fields))
        case VCard():
            return " · ".join(filter(None, (part.name, part.phone, part.email)))
        case Raw():
            return part.plain
        case _:
            assert_never(part)


def words(message: Message) -> str:
    """All a message says, in characters alone."""
    return "\n\n".join(filter(None, map(plain, message.parts)))


def _numbered(options: Sequence[Option]) -> Iterator[str]:
    return (f"{number}. {option.label}" for number, option in enumerate(options, 1))


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


# What the channel shows natively, and what takes the place of the rest


@dataclass(slots=True)
class _Showable:
    to: Capabilities
    parts: list[Part] = field(default_factory=list)
    """Only what the channel shows, each within its limits; never two texts in a row."""
    losses: list[Loss] = field(default_factory=list)

    def add(self, part: Part) -> None:
        native = type(part) in self.to.parts
        match part:
            case Text():
                self._text(self._seen(part.spans))
            case Choices():
                self._choices(part, "choices", native=native)
            case Card():
                self._card(part, native=native)
            case Media() if native and part.caption and not self._fits(plain(part)):
                self._other(msgspec.structs.replace(part, caption=""), native=native)
                self._text((Span(part.caption),))
            case (
                Sources() | Notice() | Media() | Location() | Rating() | Carousel() | Table() | Form() | VCard() | Raw()
            ):
                self._other(part, native=native)
            case _:
                assert_never(part)

    def _card(self, card: Card, *, native: bool) -> None:
        bare = msgspec.structs.replace(card, options=())
        if native and self._fits(plain(bare)) and not _is_blank(plain(bare)):
            if not card.options or self._have_room(card.options, "card"):
                self.parts.append(card)
                return
            self.parts.append(bare)
        elif not _is_blank(plain(bare)):
            self.losses.append(Loss("card", "part"))
            title: tuple[Mark, ...] = ("bold",) if "bold" in self.to.marks else ()
            rest = _lines(card.body, card.meta)
            self._text((Span(card.title, title), Span("\n" if card.title and rest else ""), Span(rest)))
        if card.options:
            self._choices(Choices(card.options), "card", native=Choices in self.to.parts)

    def _choices(self, choices: Choices, part: str, *, native: bool) -> None:
        if not choices.options:
            self._text((Span(choices.prompt),))
        elif native and self._have_room(choices.options, part):
            if self._fits(choices.prompt):
                self.parts.append(choices)
            else:
                self._text((Span(choices.prompt),))
                self.parts.append(msgspec.structs.replace(choices, prompt=""))
        else:
            if not native or self.to.buttons is None:
                self.losses.append(Loss(part, "buttons"))
            self._text((Span(plain(choices)),))

    def _have_room(self, options: Sequence[Option], part: str) -> bool:
        buttons = self.to.buttons
        if buttons is None:
            return False
        without = [option.label for option in _beyond(options, buttons)]
        self.losses += (Loss(part, "buttons", label) for label in without)
        return not without

    def _other(self, part: Part, *, native: bool) -> None:
        characters = plain(part)
        if _is_blank(characters):
            return
        if native and self._fits(characters):
            self.parts.append(part)
        else:
            self.losses.append(Loss(type(part).__name__.lower(), "part"))
            self._text((Span(characters),))

    def _text(self, spans: Iterable[Span]) -> None:
        """Add text, to the text before it if there is one."""
        added = markup.merge(spans)
        if all(_is_blank(span.text) for span in added):
            return
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Text):
            self.parts[-1] = Text(markup.merge((*last.spans, Span("\n\n"), *added)))
        else:
            self.parts.append(Text(added))

    def _seen(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """Only marks the channel has. One without any shows no links either: they are written out."""
        for span in spans:
            self.losses += (Loss("text", "mark", mark) for mark in span.marks if mark not in self.to.marks)
        if not self.to.marks and any(span.link for span in spans):
            written = markup.plain(spans)
            if written != "".join(span.text for span in spans):
                self.losses.append(Loss("text", "link"))
            return markup.merge((Span(written),))
        return markup.merge(
            Span(span.text, tuple(mark for mark in span.marks if mark in self.to.marks), span.link) for span in spans
        )

    def _fits(self, text: str) -> bool:
        return _size(text, self.to.text) <= self.to.text.most


def _beyond(options: Sequence[Option], buttons: Buttons) -> Sequence[Option]:
    room = buttons.rows * buttons.per_row
    return [option for at, option in enumerate(options) if at >= room or len(option.label) > buttons.label]


# Into pieces


def _choices_last(parts: Sequence[Part]) -> Sequence[Part]:
    """The last set of choices goes to the end of the message."""
    choices = [at for at, part in enumerate(parts) if isinstance(part, Choices)]
    if not choices:
        return parts
    last = choices[-1]
    return [*parts[:last], *parts[last + 1 :], parts[last]]


def _pieces(parts: Sequence[Part], limit: Limit) -> Iterator[tuple[Part, ...]]:
    """Parts in their order, as many to a piece as there is room for; what has buttons ends it."""
    piece: list[Part] = []
    left = limit.most
    for part in parts:
        if piece and (_has_buttons(piece[-1]) or _needed(part, limit) > left):
            yield tuple(piece)
            piece, left = [], limit.most
        if isinstance(part, Text):
            *whole, part = _split(part, limit)
            yield from ((text,) for text in whole)
        left -= _needed(part, limit) if piece else _characters(part, limit)
        piece.append(part)
    if piece:
        yield tuple(piece)


def _has_buttons(part: Part) -> bool:
    return isinstance(part, Choices | Card) and bool(part.options)


def _needed(part: Part, limit: Limit) -> int:
    """Its size in a piece that has other parts already."""
    characters = _characters(part, limit)
    return characters + _BETWEEN if characters else 0


def _characters(part: Part, limit: Limit) -> int:
    """The size of a part beside its buttons, which have room of their own."""
    if isinstance(part, Text):
        return _size("".join(span.text for span in part.spans), limit)
    return _size(plain(msgspec.structs.replace(part, options=()) if isinstance(part, Choices | Card) else part), limit)


def _size(text: str, limit: Limit) -> int:
    match limit.unit:
        case "char":
            return len(text)
        case "utf16":
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case "byte":
            return len(text.encode("utf-8", "surrogatepass"))
        case _:
            assert_never(limit.unit)


def _is_blank(text: str) -> bool:
    return _WORDS.search(text) is None


# Splitting


def _split(part: Text, limit: Limit) -> list[Text]:
    """Texts within the limit, at least one; white space at a cut is dropped. Marks and links go on across it."""
    text = "".join(span.text for span in part.spans)
    if _size(text, limit) <= limit.most:
        return [part]
    texts = []
    start = 0
    while words := _WORDS.search(text, start):
        ends = _ends(text, start, limit)
        stop = after = ends[-1]
        if stop < len(text):
            stop, after = _cut(text, words.start(), ends)
        if stop > words.start():
            texts.append(Text(_slice(part.spans, start, stop)))
        start = after
    return texts


def _ends(text: str, start: int, limit: Limit) -> list[int]:
    """Where graphemes end, as far as the limit reaches. One that is too long by itself is taken apart."""
    ends: list[int] = []
    left = limit.most
    for found in _GRAPHEME.finditer(text, start):
        left -= _size(found[0], limit)
        if left < 0:
            break
        ends.append(found.end())
    if ends:
        return ends
    left = limit.most
    for at, character in enumerate(text[start : start + max(limit.most, 1)], start):
        left -= _size(character, limit)
        if left < 0 and ends:
            break
        ends.append(at + 1)
    return ends


def _cut(text: str, words: int, ends: Sequence[int]) -> tuple[int, int]:
    """Where the piece stops and where the next one starts: at the largest break the text offers, as late as it does."""
    whole = set(ends)
    for pattern in _CUTS:
        best = None
        for found in pattern.finditer(text, words, ends[-1] + _LONGEST_GAP):
            if found.start() > ends[-1]:
                break
            if found.start() > words and found.start() in whole:
                best = found
        if best:
            return best.start(), best.end()
    return ends[-1], ends[-1]


def _slice(spans: Iterable[Span], start: int, stop: int) -> tuple[Span, ...]:
    cut: list[Span] = []
    at = 0
    for span in spans:
        piece = span.text[max(start - at, 0) : max(stop - at, 0)]
        at += len(span.text)
        cut.append(Span(piece, span.marks, span.link))
    return markup.merge(cut)
