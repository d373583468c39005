"""Spans to Telegram's text and entities and back. Offsets are UTF-16 units. Pure.

Only entities are used, no parse mode: no character of a text can be taken for markup, so none can be refused for it.
https://core.telegram.org/bots/api#messageentity
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import Any

from msgspec import Struct

from bot import markup
from bot.model import Mark, Span

_MARKS: dict[str, Mark] = {
    "bold": "bold",
    "italic": "italic",
    "strikethrough": "strike",
    "code": "code",
    "pre": "fence",
    "blockquote": "quote",
    "expandable_blockquote": "quote",
}
_STYLES: tuple[tuple[str, frozenset[Mark]], ...] = (
    ("bold", frozenset(("bold", "heading"))),
    ("italic", frozenset(("italic",))),
    ("strikethrough", frozenset(("strike",))),
)
_LINKS = ("http://", "https://", "mailto:", "tel:")


class User(Struct, frozen=True, omit_defaults=True):
    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class Entity(Struct, frozen=True, omit_defaults=True):
    type: str
    offset: int
    length: int
    url: str = ""
    user: User | None = None


def units(text: str) -> int:
    """Its length as Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def spans_of(text: str, entities: Sequence[Entity]) -> tuple[Span, ...]:
    """Total: what an entity marks beyond the text, or what has no mark here, is plain characters."""
    marked = [entity for entity in entities if entity.type in _MARKS or _link(entity, text)]
    if not marked:
        return (Span(text),) if text else ()
    wide = text.encode("utf-16-le", "surrogatepass")
    end = len(wide) // 2
    edges = {0, end}
    for entity in marked:
        edges |= {min(max(at, 0), end) for at in (entity.offset, entity.offset + entity.length)}
    ordered = sorted({at - 1 if _is_within(wide, at) else at for at in edges})
    spans = []
    for start, stop in pairwise(ordered):
        over = [entity for entity in marked if entity.offset <= start and stop <= entity.offset + entity.length]
        piece = wide[start * 2 : stop * 2].decode("utf-16-le", "surrogatepass")
        marks = tuple({_MARKS[entity.type] for entity in over if entity.type in _MARKS})
        link = next(filter(None, (_link(entity, text) for entity in over)), "")
        spans.append(Span(piece, marks, link))
    return markup.merge(spans)


def _is_within(wide: bytes, at: int) -> bool:
    """Whether there is half of a character on either side."""
    return 0 < at * 2 < len(wide) and 0xDC <= wide[at * 2 + 1] <= 0xDF and 0xD8 <= wide[at * 2 - 1] <= 0xDB


def _link(entity: Entity, text: str) -> str:
    match entity.type:
        case "text_link":
            link = entity.url
        case "url":
            link = cut(text, entity)
        case _:
            return ""
    return link if link.lower().startswith(_LINKS) else ""


def cut(text: str, entity: Entity) -> str:
    """The characters it marks."""
    if entity.offset < 0 or entity.length < 0:
        return ""
    wide = text.encode("utf-16-le", "surrogatepass")
    return wide[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le", "replace")


def text_of(spans: Iterable[Span]) -> tuple[str, list[dict[str, Any]]]:
    """The characters, without white space at both ends, and the entities that mark them: none crosses another."""
    runs = _trimmed(list(markup.merge(spans)))
    entities: list[dict[str, Any]] = []
    at, placed = 0, list[tuple[int, int, Span]]()
    for run in runs:
        length = units(run.text)
        placed.append((at, length, run))
        at += length

    def mark(kind: str, look: Callable[[Span], Hashable], shown: Callable[[Span], bool], **more: Any) -> None:
        """One entity over each stretch that looks alike and is shown so."""
        for _, group in groupby(placed, key=lambda each: (shown(each[2]), look(each[2]))):
            stretch = list(group)
            start, length = stretch[0][0], sum(length for _, length, _ in stretch)
            if shown(stretch[0][2]) and length and any(run.text.strip() for _, _, run in stretch):
                extra = {"url": stretch[0][2].link} if kind == "text_link" else {}
                entities.append({"type": kind, "offset": start, "length": length, **extra, **more})

    mark("blockquote", lambda run: None, lambda run: "quote" in run.marks)
    mark("pre", lambda run: "quote" in run.marks, lambda run: "fence" in run.marks)
    mark("code", lambda run: "quote" in run.marks, _is_code)
    mark("text_link", _frame, lambda run: bool(run.link) and not _is_literal(run) and run.text != run.link)
    for kind, marks in _STYLES:
        mark(kind, _frame, lambda run, marks=marks: not _is_literal(run) and bool(marks & set(run.marks)))  # type: ignore[misc]
    entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return "".join(run.text for run in runs), entities


def _frame(run: Span) -> Hashable:
    """What a style may not reach across."""
    return run.link, "quote" in run.marks, _is_literal(run)


def _is_literal(run: Span) -> bool:
    """Code and fences take no other look."""
    return "code" in run.marks or "fence" in run.marks


def _is_code(run: Span) -> bool:
    return "code" in run.marks and "fence" not in run.marks


def _trimmed(runs: list[Span]) -> list[Span]:
    """Telegram takes white space off both ends, which would move what is marked."""
    while runs and not runs[0].text.strip():
        runs.pop(0)
    while runs and not runs[-1].text.strip():
        runs.pop()
    if runs:
        runs[0] = Span(runs[0].text.lstrip(), runs[0].marks, runs[0].link)
        runs[-1] = Span(runs[-1].text.rstrip(), runs[-1].marks, runs[-1].link)
    return runs
