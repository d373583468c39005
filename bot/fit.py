"""A message fitted to what a channel can show: pieces, each one visible message there, and what a reader would miss.

Pure and total. Nothing is cut off: what is too long is split, what cannot be shown becomes text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, assert_never

import regex
from msgspec.structs import replace

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
from bot.ports import Capabilities, Limit

_T = TypeVar("_T")

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
_WIDEST = 60
"""Columns of characters that stand side by side on a narrow screen; a wider table is written line by line."""
_MOST_PAGES = 4
"""So many messages with buttons or lists one set of options may become; beyond that it is a numbered list."""
_ALBUMS: tuple[frozenset[str], ...] = (frozenset(("image", "video")), frozenset(("audio",)), frozenset(("file",)))
"""Kinds of files that stand together where files are messages of their own."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One change a reader could notice."""

    part: str
    """The part's tag: `text`, `choices`, `card`, ...; `message`: all of them."""
    kind: Literal["mark", "link", "buttons", "list", "pages", "part", "private"]
    """`mark`, `link`: shown as plain characters; `buttons`: options as a numbered list; `list`: as a list to choose
    from; `pages`: in several messages; `part`: the part as others; `private`: not at all, for it is one person's and
    others would read it too. That is of the whole `message`."""
    detail: str = ""
    """Which mark, which option did not go on a button, or how many pages."""


@dataclass(frozen=True, slots=True)
class Fitted:
    pieces: tuple[Message, ...]
    """Each is one visible message with one receipt; empty when the message shows nothing."""
    losses: tuple[Loss, ...]
    """Each once, in the order of the parts. A message that is `strict` must not be sent when there are any."""


def fit(message: Message, to: Capabilities) -> Fitted:
    """Fitting a piece again gives that piece.

    The plain text of the pieces is the message's, but for white space at the cuts. Buttons stand at the end of the last
    piece; where a message has several sets of them, each ends a piece of its own. Options that become a numbered list
    are numbered through the message, so that a number means one of them. A piece has `only_for` where the channel has
    to see to it.
    """
    shown = _Showable(to)
    if message.only_for:
        message = _in_confidence(message, shown)
    for part, first in _choices_last(_counted(message.parts)):
        shown.add(part, first)
    pieces = tuple(
        replace(message, parts=parts, reply_to=None if number else message.reply_to)
        for number, parts in enumerate(_pieces(shown.parts, to))
    )
    return Fitted(pieces, tuple(dict.fromkeys(shown.losses)))


def _in_confidence(message: Message, shown: _Showable) -> Message:
    """As it may stand there: for the one it is for, or what all may read instead."""
    to = shown.to
    if not to.shared:
        return replace(message, only_for="", otherwise="")
    if "private_note" in to.can:
        return replace(message, otherwise="")
    shown.losses.append(Loss("message", "private"))
    return replace(message, parts=(Text((Span(message.otherwise),)),), only_for="", otherwise="")


def plain(part: Part, first: int = 1) -> str:
    """What a part says in characters alone: options one numbered line each, sources numbered with their addresses.

    `first`: the number of its first option.
    """
    match part:
        case Text():
            return markup.plain(part.spans)
        case Choices():
            return _lines(part.prompt, *_numbered(part.options, first))
        case Card():
            return _lines(part.title, part.body, part.meta, *_numbered(part.options, first))
        case Carousel():
            return "\n\n".join(filter(None, (plain(card, number) for card, number in _cards(part, first))))
        case Table():
            return _lines(part.title, _aligned(part) or _by_line(part))
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
            if part.options:
                return _lines(part.prompt, *_numbered(part.options, first))
            return _lines(part.prompt, "👍 / 👎" if part.scale == 2 else f"1-{part.scale}")
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
    return "\n\n".join(filter(None, (plain(part, first) for part, first in _counted(message.parts))))


def options_of(part: Part) -> tuple[Option, ...]:
    """What can be chosen in it, in the order in which it is numbered."""
    match part:
        case Choices() | Card() | Rating():
            return part.options
        case Carousel():
            return tuple([option for card in part.cards for option in card.options])
        case _:
            return ()


def _counted(parts: Iterable[Part]) -> Iterator[tuple[Part, int]]:
    """Each with the number of its first option within the message."""
    first = 1
    for part in parts:
        yield part, first
        first += len(options_of(part))


def _cards(carousel: Carousel, first: int) -> Iterator[tuple[Card, int]]:
    for card in carousel.cards:
        yield card, first
        first += len(card.options)


def _numbered(options: Sequence[Option], first: int) -> Iterator[str]:
    return (f"{number}. {option.label}" for number, option in enumerate(options, first))


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def _aligned(table: Table) -> str:
    """Empty when it is too wide for that."""
    lines = list(markup.aligned(_rows(table))) if table.columns else []
    return "\n".join(lines) if all(markup.columns(line) <= _WIDEST for line in lines) else ""


def _by_line(table: Table) -> str:
    """`column: value`, a paragraph for each row."""
    columns, *rows = _rows(table)
    if not rows:
        return _lines(*columns)
    return "\n\n".join(
        _lines(*(f"{name}: {value}" if name else value for name, value in zip(columns, row, strict=True) if value))
        for row in rows
    )


def _rows(table: Table) -> list[list[str]]:
    """The columns' names first; every row of one length, every cell on one line."""
    width = len(table.columns)
    return [
        [" ".join(cell.split()) for cell in (*row[:width], *[""] * (width - len(row)))]
        for row in (table.columns, *table.rows)
    ]


# What the channel shows natively, and what takes the place of the rest


@dataclass(slots=True)
class _Showable:
    to: Capabilities
    parts: list[Part] = field(default_factory=list)
    """Only what the channel shows, each within its limits; never two texts in a row."""
    losses: list[Loss] = field(default_factory=list)

    def add(self, part: Part, first: int) -> None:
        to, native = self.to, type(part) in self.to.parts
        match part:
            case Text():
                self._text(self._seen(part.spans))
            case Choices():
                self._choices(part, "choices", first, native=native)
            case Card():
                self._card(part, first, native=native)
            case Carousel():
                self._carousel(part, first, native=native)
            case Table() if not (native and self._has_room(part) and self._fits(plain(part))):
                self._table(part)
            case Rating() if not (native and self._fits(part.prompt)) and part.options:
                self.losses.append(Loss("rating", "part"))
                self._choices(Choices(part.options, part.prompt), "rating", first, native=Choices in to.parts)
            case Media() if native and part.caption and not self._fits(part.caption, to.caption):
                self.parts.append(replace(part, caption=""))
                self._text((Span(part.caption),))
            case Media() if native:
                self.parts.append(part)
            case Form():
                self._other(part, native=to.form != "ask", says=part.title)
            case Raw():
                self._other(part, native=bool(part.channel) and part.channel == to.raw)
            case Table() | Rating() | Sources() | Notice() | Media() | Location() | VCard():
                self._other(part, native=native)
            case _:
                assert_never(part)

    def _carousel(self, carousel: Carousel, first: int, *, native: bool) -> None:
        cards = [card for card in carousel.cards if not _is_blank(plain(card))]
        if native and cards and all(map(self._shows, cards)):
            pages = self._leaves(cards)
            self.parts += pages
            if len(pages) > 1:
                self.losses.append(Loss("carousel", "pages", str(len(pages))))
            return
        if cards:
            self.losses.append(Loss("carousel", "part"))
        for card, number in _cards(carousel, first):
            self._card(card, number, native=Card in self.to.parts)

    def _leaves(self, cards: Sequence[Card]) -> list[Carousel]:
        """As few as will do, each within the length of a text."""
        ruler = _Ruler(self.to, self.to.text)
        most = min(self.to.cards or len(cards), len(cards))
        while True:
            pages = [Carousel(tuple(some)) for some in _even(cards, most)]
            if most == 1 or all(ruler.of(page) <= self.to.text.most for page in pages):
                return pages
            most -= 1

    def _shows(self, card: Card) -> bool:
        pages = self._pages(Choices(card.options))
        return self._fits(plain(replace(card, options=())), self._room(card)) and (
            not card.options or [page.look for page in pages] == ["quick"]
        )

    def _card(self, card: Card, first: int, *, native: bool) -> None:
        bare = replace(card, options=())
        if native and self._shows(card) and not _is_blank(plain(bare)):
            self.parts.append(card)
            return
        if native and self._fits(plain(bare), self._room(card)) and not _is_blank(plain(bare)):
            self.parts.append(bare)
        elif native and card.image and self._fits(card.title, self._room(card)) and not _is_blank(card.title):
            self.parts.append(Card(card.title, image=card.image))
            self._text((Span(_lines(card.body, card.meta)),))
        elif not _is_blank(plain(bare)):
            self.losses.append(Loss("card", "part"))
            title: tuple[Mark, ...] = ("bold",) if "bold" in self.to.marks else ()
            rest = _lines(card.body, card.meta)
            self._text((Span(card.title, title), Span("\n" if card.title and rest else ""), Span(rest)))
        if card.options:
            self._choices(Choices(card.options), "card", first, native=Choices in self.to.parts)

    def _room(self, card: Card) -> Limit | None:
        """A picture's text is its caption."""
        return self.to.caption if card.image else None

    def _table(self, table: Table) -> None:
        aligned = _aligned(table)
        if _is_blank(table.title) and _is_blank(aligned or _by_line(table)):
            return
        self.losses.append(Loss("table", "part"))
        title: tuple[Mark, ...] = ("bold",) if "bold" in self.to.marks else ()
        fence: tuple[Mark, ...] = ("fence",) if aligned and "fence" in self.to.marks else ()
        rest = aligned or _by_line(table)
        self._text((Span(table.title, title), Span("\n" if table.title and rest else ""), Span(rest, fence)))

    def _has_room(self, table: Table) -> bool:
        if self.to.table is None:
            return True
        rows, columns = self.to.table
        return len(table.rows) <= rows and len(table.columns) <= columns

    def _choices(self, choices: Choices, part: str, first: int, *, native: bool) -> None:
        if not choices.options:
            self._text((Span(choices.prompt),))
            return
        pages = self._pages(choices) if native else ()
        if not pages:
            self._unpressed(choices, part, native=native)
            self._text((Span(plain(choices, first)),))
            return
        if pages[0].look == "list" != choices.look:
            self.losses.append(Loss(part, "list"))
        if len(pages) > 1:
            self.losses.append(Loss(part, "pages", str(len(pages))))
        if self._fits(choices.prompt):
            self.parts.append(replace(pages[0], prompt=choices.prompt))
        else:
            self._text((Span(choices.prompt),))
            self.parts.append(pages[0])
        self.parts += pages[1:]

    def _pages(self, choices: Choices) -> tuple[Choices, ...]:
        """As buttons, as a native list, or in several messages, without the prompt; empty: neither will do."""
        buttons, options, longest = self.to.buttons, choices.options, self.to.options
        room = buttons.rows * buttons.per_row if buttons else 0
        if buttons and any(len(option.label) > buttons.label for option in options):
            return ()
        if len(options) <= room and not (choices.look == "list" and longest >= len(options)):
            look = "buttons" if choices.look == "list" and longest else choices.look
            return (Choices(options, look=look),)
        most, look = (longest, "list") if longest else (room, choices.look)
        if not most or len(options) > most * _MOST_PAGES:
            return ()
        return tuple([Choices(tuple(some), look=look) for some in _even(options, most)])

    def _unpressed(self, choices: Choices, part: str, *, native: bool) -> None:
        """Say which options are on no button."""
        buttons = self.to.buttons
        if not native or buttons is None:
            self.losses.append(Loss(part, "buttons"))
            return
        long = [option.label for option in choices.options if len(option.label) > buttons.label]
        self.losses += (Loss(part, "buttons", label) for label in long or [""])

    def _other(self, part: Part, *, native: bool, says: str | None = None) -> None:
        """`says`: what stands in the message itself."""
        characters = plain(part)
        if _is_blank(characters):
            return
        if native and self._fits(characters if says is None else says):
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

    def _fits(self, text: str, limit: Limit | None = None) -> bool:
        limit = limit or self.to.text
        return _Ruler(self.to, limit).size(text) <= limit.most


def _even(options: Sequence[_T], most: int) -> Iterator[Sequence[_T]]:
    """As few pages as will do, all about as long."""
    pages = -(-len(options) // most)
    for page in range(pages):
        yield options[page * len(options) // pages : (page + 1) * len(options) // pages]


# Into pieces


def _choices_last(parts: Iterable[tuple[Part, int]]) -> Sequence[tuple[Part, int]]:
    """The last set of choices goes to the end of the message."""
    parts = list(parts)
    choices = [at for at, (part, _) in enumerate(parts) if isinstance(part, Choices)]
    if not choices:
        return parts
    last = choices[-1]
    return [*parts[:last], *parts[last + 1 :], parts[last]]


def _pieces(parts: Sequence[Part], to: Capabilities) -> Iterator[tuple[Part, ...]]:
    """Parts in their order, as many to a piece as there is room for; what has buttons ends it."""
    ruler = _Ruler(to, to.text)
    piece: list[Part] = []
    left = to.text.most
    for part in parts:
        if piece and (not _go_together(piece, part, to) or ruler.needed(part) > left):
            if len(piece) > 1 and _takes(part, piece[-1:], to):  # an album has no buttons: its last file takes them
                yield tuple(piece[:-1])
                piece, left = piece[-1:], to.text.most - ruler.of(piece[-1])
            else:
                yield tuple(piece)
                piece, left = [], to.text.most
        if isinstance(part, Text):
            *whole, part = ruler.split(part)
            yield from ((text,) for text in whole)
        left -= ruler.needed(part) if piece else ruler.of(part)
        piece.append(part)
    if piece:
        yield tuple(piece)


def _go_together(piece: Sequence[Part], part: Part, to: Capabilities) -> bool:
    """Whether the part may stand in one visible message with those before it."""
    last = piece[-1]
    if takes_a_press(last):
        return False
    files = sum(isinstance(each, Media) for each in piece)
    most = to.files.per_message if to.files else 1
    if _is_alone(last, to) or _is_alone(part, to):
        if isinstance(last, Media) and isinstance(part, Media):
            return files < most and any(last.kind in album and part.kind in album for album in _ALBUMS)
        return len(piece) == 1 and _takes(part, piece, to)
    return not isinstance(part, Media) or files < most


def _takes(part: Part, piece: Sequence[Part], to: Capabilities) -> bool:
    """Whether the part is nothing but buttons below one that is a message of its own."""
    return isinstance(part, Choices | Rating) and not part.prompt and len(piece) == 1 and _is_alone(piece[0], to)


def _is_alone(part: Part, to: Capabilities) -> bool:
    is_file = isinstance(part, Media) or (isinstance(part, Card) and bool(part.image))
    return type(part) in to.alone or (is_file and to.caption is not None)


def takes_a_press(part: Part) -> bool:
    """Whether something in it is pressed, and so needs a token."""
    return bool(options_of(part)) or isinstance(part, Form)


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


# Measuring and splitting


@dataclass(slots=True)
class _Ruler:
    """Counts as the platform does, after the look of a text has been written into it."""

    to: Capabilities
    limit: Limit

    def size(self, text: str) -> int:
        size = _size(text, self.limit)
        if self.to.syntax:
            size += sum(text.count(character) * more for character, more in self.to.syntax.escapes.items())
        return size

    def needed(self, part: Part) -> int:
        """Its size in a piece that has other parts already."""
        size = self.of(part)
        return size + _BETWEEN if size else 0

    def of(self, part: Part) -> int:
        """The size of what stands in the message's text: buttons, and what a form asks, have room of their own."""
        match part:
            case Text():
                return sum(map(self._span, part.spans))
            case Choices() | Rating():
                return self.size(part.prompt)
            case Card():
                return self.size(plain(replace(part, options=())))
            case Carousel():
                return sum(map(self.of, part.cards))
            case Media():
                return self.size(part.caption)
            case Form():
                return self.size(part.title)
            case _:
                return self.size(plain(part))

    def split(self, part: Text) -> list[Text]:
        """Texts within the limit, at least one; white space at a cut is dropped. Marks and links go on across it."""
        if self.of(part) <= self.limit.most:
            return [part]
        text = "".join(span.text for span in part.spans)
        costs, looks = self._costs(part.spans)
        texts = []
        start = 0
        while words := _WORDS.search(text, start):
            ends = self._ends(text, start, costs, looks)
            stop = after = ends[-1]
            if stop < len(text):
                stop, after = _cut(text, words.start(), ends)
            if stop > words.start():
                texts.append(Text(_slice(part.spans, start, stop)))
            start = after
        return texts

    def _span(self, span: Span) -> int:
        return self.size(span.text) + self._look(span) + self._line(span) * span.text.count("\n")

    def _look(self, span: Span) -> int:
        """What is written around a run of characters."""
        syntax = self.to.syntax
        if syntax is None:
            return 0
        link = _size(span.link, self.limit) + syntax.link if span.link else 0
        return link + sum(syntax.marks.get(mark, 0) for mark in span.marks) + self._line(span)

    def _line(self, span: Span) -> int:
        """What is written before each of its lines."""
        return sum(self.to.syntax.lines.get(mark, 0) for mark in span.marks) if self.to.syntax else 0

    def _costs(self, spans: Sequence[Span]) -> tuple[list[int], list[int]]:
        """Of each character: its own size, and what the look takes where a piece begins with it or it begins a run."""
        costs, looks = list[int](), list[int]()
        for span in spans:
            look, line, begins = self._look(span), self._line(span), True
            for character in span.text:
                costs.append(self.size(character) + (look if begins else 0) + (line if character == "\n" else 0))
                looks.append(0 if begins else look)
                begins = False
        return costs, looks

    def _ends(self, text: str, start: int, costs: Sequence[int], looks: Sequence[int]) -> list[int]:
        """Where graphemes end, as far as the limit reaches. One that is too long by itself is taken apart."""
        ends: list[int] = []
        left = self.limit.most - looks[start]
        for found in _GRAPHEME.finditer(text, start):
            left -= sum(costs[found.start() : found.end()])
            if left < 0:
                break
            ends.append(found.end())
        if ends:
            return ends
        left = self.limit.most - looks[start]
        for at in range(start, min(len(text), start + max(self.limit.most, 1))):
            left -= costs[at]
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
