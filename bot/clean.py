"""One normal form for what comes in, so that every store, channel and comparison sees the same characters. Pure."""

from __future__ import annotations

import re
from math import isfinite
from unicodedata import normalize

from bot.model import Json

_LINE_END = re.compile("\r\n?")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63


def clean(text: str) -> str:
    """Total and idempotent: NFC, line ends as "\\n", no control character but "\\n" and "\\t".

    A surrogate that stands alone becomes U+FFFD. Nothing else is changed: not white space, direction marks or emoji.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROLS.sub("", _LINE_END.sub("\n", text))
    return normalize("NFC", _SURROGATES.sub("\ufffd", text))


def clean_json(value: object, *, depth: int = 20, entries: int = 2_000, characters: int = 100_000) -> Json:
    """A value from outside with every text and key cleaned, as plain JSON that any store takes.

    Raises `ValueError` for what is nested deeper than `depth`, holds more than `entries` values or more than
    `characters` characters in all, and for what is no JSON: other types, NaN, infinities, integers beyond 64 bits.
    """
    return _Caps(entries, characters).clean(value, depth)


class _Caps:
    def __init__(self, entries: int, characters: int) -> None:
        self._entries, self._characters = entries, characters

    def clean(self, value: object, depth: int) -> Json:
        self._entries -= 1
        if self._entries < 0:
            raise ValueError("too many values")
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value)
            case int() if -_LARGEST <= value < _LARGEST:
                return value
            case float() if isfinite(value):
                return value
            case int() | float():
                raise ValueError("a number beyond 64 bits, an infinity or NaN")
            case dict() | list() | tuple() if depth <= 0:
                raise ValueError("nested too deep")
            case dict():
                return {self._key(key): self.clean(each, depth - 1) for key, each in value.items()}
            case list() | tuple():
                return [self.clean(each, depth - 1) for each in value]
            case _:
                raise ValueError(f"{type(value).__name__!r} is no JSON")

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise ValueError(f"a key of type {type(key).__name__!r}")
        return self._text(key)

    def _text(self, text: str) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            raise ValueError("too many characters")
        return clean(text)
