"""What a slot type is, and what its parser may know beside the words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from bot.flow.rules import Rules, after
from bot.flow.words import Phrase, tokens
from bot.model import Json, Part

LONGEST_ANSWER = 400
"""Characters: a longer message is no number, date or name."""


class Labelled(Struct, frozen=True):
    """One of the answers a question offers."""

    value: str
    label: str


class Hearing(Struct, frozen=True, kw_only=True):
    """What a parser may know beside the words."""

    language: str = "en"
    rules: tuple[Rules, ...] = ()
    """Of the conversation's language first."""
    now: str = ""
    """ISO 8601."""
    zone: str = ""
    """Where the customer's days begin and end, an IANA name; empty: as `now` has it."""
    region: str = ""
    """Whose phone numbers and money are meant where nothing is said, ISO 3166; empty: as the language tells."""
    currency: str = ""
    """ISO 4217; empty: the region's."""
    scale: int = 5
    """The best grade of a rating."""
    options: tuple[Labelled, ...] = ()
    strict: bool = False
    """The words are a value, not a sentence: nothing is looked for inside them."""


Parse = Callable[[str, Hearing], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotType:
    name: str
    parse: Parse
    error: str
    """The key of what is said when the words are no answer."""
    is_instant: bool = False
    """Its values are compared as points in time."""
    find: Parse | None = None
    """Finds the one value that stands in any words, such as a request; None: just any words could be one."""
    take: Callable[[Part], Json] | None = None
    """The value in a part of a message, None when it is another kind of part. Words alone are no answer then."""
    read: Callable[[Part], Json] | None = None
    """The same, where words are an answer as well."""


def own_rules(hearing: Hearing) -> Rules | None:
    return hearing.rules[0] if hearing.rules else None


def asks(words: str, hearing: Hearing) -> bool:
    """Whether it is a question rather than an answer."""
    said = tokens(words)
    if len(said) > 3 and any(mark in words for mark in "?؟？"):
        return True
    rules = own_rules(hearing)
    return rules is not None and after(said, 0, rules.questions) > 0


def denies(said: Phrase, hearing: Hearing) -> bool:
    """`not tomorrow`; a `no` before an answer takes nothing back."""
    rules = own_rules(hearing)
    if rules is None:
        return False
    return not rules.negations.isdisjoint(said[after(said, 0, rules.no) :])


def is_filler(said: Phrase, hearing: Hearing) -> bool:
    rules = own_rules(hearing)
    return not (rules.without_filler(said) if rules else said)


def ascii_digits(text: str) -> str:
    """`٣` becomes `3`; the letters stay."""
    if text.isascii():
        return text
    return "".join([str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text])


def decoded(words: str) -> Json:
    """A value in its JSON form; None when it has none."""
    try:
        value: Json = json.loads(words) if words.lstrip()[:1] in ("{", "[", '"') else None
    except (ValueError, RecursionError):
        return None
    return value
