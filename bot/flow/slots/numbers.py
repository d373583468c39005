"""Numbers, as they are written and said in the customer's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from bot.flow.locales import locale_of
from bot.flow.rules import Rules, longest
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, ascii_digits, asks, denies, is_filler, own_rules
from bot.flow.words import Phrase, tokens
from bot.model import Json

Number = int | float

LARGEST = 2**53
"""From here on a number would not survive as JSON everywhere."""

_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?!\d)")
_FIGURE = re.compile(
    r"(?P<before>[^\d.,+−-]*)(?P<sign>[-+−]?)(?P<body>\d+(?:[.,'’٬٫]\d+)*)(?:[.,][-–—]{1,2})?(?P<after>\D*)"
)
_SIGN_WITHIN = re.compile(r"(?<![\d.,])(\d{1,9})([€$£])(\d\d)(?!\d)")
_PLAIN = re.compile(r"-?\d{1,24}(?:\.\d{1,24})?(?:e[+-]?\d{1,3})?")
_UNITS = frozenset(("x", "kg", "g", "km", "m", "cm", "mm", "l", "ml", "pcs", "st", "stk", "%", "٪", "°"))
_MARKS = frozenset(("#", "~", "≈", "n°", "nº", "no", "nr", "x"))


class Figure(NamedTuple):
    """A number in digits."""

    before: str
    """Characters written to it without a space, such as a currency's sign."""
    sign: str
    body: str
    after: str


def parse_integer(words: str, hearing: Hearing) -> Json:
    """Exactly one whole number, in digits or in words; `1,000`, `1 000` and `1.000` are grouped."""
    value = number(words, hearing, is_grouped=True)
    return value if isinstance(value, int) else None


def parse_number(words: str, hearing: Hearing) -> Json:
    """Exactly one number; `1.234` is what the customer's language makes of it."""
    return number(words, hearing)


# Numbers


def number(words: str, hearing: Hearing, *, is_grouped: bool = False) -> Number | None:
    text = words.strip()
    if hearing.strict:
        return _plain(text)
    if not text or len(text) > LONGEST_ANSWER or asks(text, hearing):
        return None
    said = tokens(text)
    chunks = chunked(text)
    if chunks is None or denies(said, hearing):
        return None
    figures = [(at, chunk) for at, chunk in enumerate(chunks) if isinstance(chunk, Figure)]
    if len(figures) == 1:
        at, figure = figures[0]
        is_bare = figure.before.casefold() in {"", *_MARKS} and figure.after.casefold() in {"", *_UNITS}
        value = amount(figure, hearing.language, is_grouped=is_grouped)
        if value is None or not is_bare:
            return None
        value = _times(value, chunks[at + 1 :], hearing)
        return -value if value and _is_negative(said, tokens(figure.body), hearing) else value
    rules = own_rules(hearing)
    runs = [*runs_of(unglued(said, rules), rules)] if rules and not figures else []
    return _only(runs, unglued(said, rules), hearing) if rules and len(runs) == 1 else None


def _only(runs: Sequence[tuple[int, int, int]], said: Phrase, hearing: Hearing) -> int | None:
    """`one` and `un` are numbers only where nothing else is said: there are many moments in `one moment`."""
    value, start, end = runs[0]
    rest = said[:start] + said[end:]
    is_article = end - start == 1 and is_filler(said[start:end], hearing)
    return None if (is_article or value == 1) and not is_filler(rest, hearing) else value


def _is_negative(said: Phrase, digits: Phrase, hearing: Hearing) -> bool:
    """`minus 5`."""
    rules = own_rules(hearing)
    before = said[: said.index(digits[0])] if digits[0] in said else ()
    return rules is not None and before[-1:] in rules.negative


def _times(value: Number, rest: Sequence[str | Figure], hearing: Hearing) -> Number | None:
    """`5 thousand`."""
    rules, following = own_rules(hearing), rest[0] if rest else ""
    factor = longest(tokens(following), 0, rules.numbers) if rules and isinstance(following, str) else None
    return bounded(value * factor[0]) if factor and factor[0] in (100, 1_000) else value


def _plain(text: str) -> Number | None:
    if not _PLAIN.fullmatch(text) or not text.isascii():
        return None
    return bounded(int(text) if text.lstrip("-").isdecimal() else float(text))


def bounded(value: Number) -> Number | None:
    if not -LARGEST < value < LARGEST:
        return None
    return int(value) if value == int(value) else value


def chunked(text: str) -> list[str | Figure] | None:
    """Its words and figures in order; None when digits stand in something else, such as `A-17` or `2-3`."""
    joined = _SPACED.sub(lambda found: "".join(found[0].split()), ascii_digits(text))
    joined = _SIGN_WITHIN.sub(r"\1.\3\2", joined)
    chunks: list[str | Figure] = []
    for word in joined.split():
        bare = word.strip("()[]{}\"'!?;:«»“”„…").rstrip(".,")
        if not any(c.isdecimal() for c in bare):
            chunks.append(word)
        elif len(bare) <= 40 and (found := _FIGURE.fullmatch(bare)):
            chunks.append(Figure(found["before"], found["sign"], found["body"], found["after"].rstrip(".,")))
        else:
            return None
    return chunks


def amount(figure: Figure, language: str, *, is_grouped: bool = False) -> Number | None:
    """`is_grouped`: three digits after a single separator are thousands, whatever the language."""
    body = figure.body.replace("’", "'").replace("٬", "'")
    marks = [c for c in body if not c.isdecimal()]
    groups = re.split(r"\D", body)
    fraction = ""
    if marks and _ends_in_fraction(marks, groups, language, is_grouped=is_grouped):
        fraction = groups.pop()
        marks.pop()
    if len(set(marks)) > 1 or len(body) > 24 or not _are_thousands(groups):
        return None
    value: Number = float(f"{''.join(groups)}.{fraction}") if fraction else int("".join(groups))
    return bounded(-value if figure.sign in ("-", "−") else value)


def _ends_in_fraction(marks: Sequence[str], groups: Sequence[str], language: str, *, is_grouped: bool) -> bool:
    last = marks[-1]
    if last == "'" or marks.count(last) > 1:
        return False
    if last == "٫" or len(marks) > 1:
        return True
    could_group = len(groups[-1]) == 3 and 0 < len(groups[0]) <= 3 and groups[0] != "0"
    return not could_group or (not is_grouped and decimal_mark(language) == last)


def _are_thousands(groups: Sequence[str]) -> bool:
    """In threes, or as in India: the last three, then twos."""
    if len(groups) == 1:
        return True
    *between, last = groups[1:]
    return len(last) == 3 and 0 < len(groups[0]) <= 3 and ({len(group) for group in between} in (set(), {3}, {2}))


@lru_cache(maxsize=1_000)  # customers bring the languages
def decimal_mark(language: str) -> str:
    from babel.numbers import get_decimal_symbol

    return str(get_decimal_symbol(locale_of(language)))


# Numbers in words


def runs_of(said: Phrase, rules: Rules) -> Iterator[tuple[int, int, int]]:
    """Each number, where it begins and where it ends."""
    at = 0
    while at < len(said):
        if found := spoken(said, at, rules):
            yield found[0], at, found[1]
            at = found[1]
        else:
            at += 1


def spoken(said: Phrase, at: int, rules: Rules) -> tuple[int, int] | None:
    """The number that stands there in words, and where it ends: `two hundred and five`, `fünf und zwanzig`."""
    thousands, below, end = 0, -1, at
    joined = False
    while at < len(said):
        found = longest(said, at, rules.numbers)
        if found is None:
            if joined or end != at or said[at] not in rules.joins or below <= 0:
                break
            joined, at = True, at + 1
            continue
        value, at = found
        if value == 1_000 and not thousands:
            thousands, below = max(below, 1) * 1_000, 0
        elif (put := _put_together(below, value, joined=joined)) is not None:
            below = put
        else:
            break
        end, joined = at, False
    return None if below < 0 else (thousands + below, end)


def _put_together(below: int, value: int, *, joined: bool) -> int | None:
    if below < 0 or (below == 0 and value):
        return value
    rest = below % 100
    if value == 100:
        return below * 100 if below < 10 else None
    if 20 <= value < 100:
        return below + value if rest == 0 or (joined and rest < 10) else None
    fits = rest == 0 or (rest >= 20 and rest % 10 == 0 and (value < 10 or rest in (60, 80)))
    return below + value if fits and 0 < value < 20 else None


def unglued(said: Phrase, rules: Rules | None) -> Phrase:
    """`einundzwanzig` as three words; what is not made of number words alone stays whole."""
    if rules is None or not rules.glued:
        return said
    known = {phrase[0] for phrase in rules.numbers if len(phrase) == 1}
    return tuple([piece for word in said for piece in _pieces(word, known, rules.glued)])


def _pieces(word: str, known: set[str], glue: frozenset[str]) -> Sequence[str]:
    if word in known or not 3 < len(word) <= 40:
        return (word,)
    ways: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = word[start:end]
            if start in ways and (piece in known or piece in glue):
                ways[end] = (*ways[start], piece)
                break
    found = ways.get(len(word), ())
    return found if not known.isdisjoint(found) else (word,)
