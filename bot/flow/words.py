"""What people type, made comparable: without case, accents and punctuation. Linear in the length of the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MOST_CHARACTERS = 8_000
"""Longer messages are refused before anything reads them."""

Phrase = tuple[str, ...]
"""Words and numbers, folded, in order."""

_BETWEEN = {code: " " for code in range(128) if not chr(code).isalnum()}


def tokens(text: str) -> Phrase:
    """The words and numbers of a text, folded: `J'ai reçu A-17!` gives `j ai recu a 17`."""
    if text.isascii():
        return tuple(text.lower().translate(_BETWEEN).split())
    return tuple("".join([c if c.isalnum() else " " for c in folded(text)]).split())


def folded(text: str) -> str:
    """Case and accents removed; letters of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    return "".join([c for c in decomposed if not unicodedata.combining(c)])


def contains(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase stands in the words, as neighbours in order."""
    size = len(phrase)
    return any(tuple(words[at : at + size]) == tuple(phrase) for at in range(len(words) - size + 1))
