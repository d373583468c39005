"""Whether other words still say what a text says: a model may restyle it, and may not add or lose facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.model import Span

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_BEGINS = re.compile(r"(?:^|[.!?…:]\s+|\n\s*)[\"'«“(¡¿]*\Z")
_ROOM = 200
"""Characters by which other words may be longer than twice the text."""


def is_restyled(text: tuple[Span, ...], other: tuple[Span, ...]) -> bool:
    """Numbers, names and links of the text all stand in the other words, which have none of their own but names."""
    said, told = _plain(text), _plain(other)
    return (
        bool(told.strip())
        and len(told) <= 2 * len(said) + _ROOM
        and _numbers(said) == _numbers(told)
        and _links(text) == _links(other)
        and _names(said) <= set(_WORD.findall(told))
    )


def is_guided(text: tuple[Span, ...], other: tuple[Span, ...], heard: str) -> bool:
    """The other words have no number that neither the text nor the customer has said, and no link of their own."""
    told = _plain(other)
    return (
        bool(told.strip())
        and len(told) <= 2 * len(_plain(text)) + _ROOM
        and _numbers(told) <= _numbers(_plain(text)) | _numbers(heard)
        and _links(other) <= _links(text)
    )


def source(spans: Iterable[Span]) -> str:
    """The text with its links, as a model reads it."""
    return "".join(f"[{span.text}]({span.link})" if span.link else span.text for span in spans)


def _plain(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(text))


def _links(spans: Iterable[Span]) -> set[str]:
    return {span.link for span in spans if span.link}


def _names(text: str) -> set[str]:
    """Words that are capital for another reason than beginning a sentence, and those with digits in them."""
    found = set[str]()
    for match in _WORD.finditer(text):
        word = match[0]
        begins = bool(_BEGINS.search(text[max(0, match.start() - 10) : match.start()]))
        if any(map(str.isdigit, word)) or (word[0].isupper() and not begins):
            found.add(word)
    return found
