"""Numbers, money and grades, as they are written and said in the customer's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from bot.flow.locales import currency_of, locale_of, region_of
from bot.flow.rules import Rules, longest
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, ascii_digits, asks, decoded, denies, is_filler, own_rules
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
    value = _number(words, hearing, is_grouped=True)
    return value if isinstance(value, int) else None


def parse_number(words: str, hearing: Hearing) -> Json:
    """Exactly one number; `1.234` is what the customer's language makes of it."""
    return _number(words, hearing)


def parse_money(words: str, hearing: Hearing) -> Json:
    """`{"amount", "currency"}`. Without a currency it is the hearing's, if the amount is all that is said."""
    return _money(words, hearing)


def find_money(words: str, hearing: Hearing) -> Json:
    """Only with its currency."""
    return _money(words, hearing, is_named=True)


def parse_rating(words: str, hearing: Hearing) -> Json:
    """From 1 to the hearing's scale: a number, stars, thumbs, a face, or a word such as `great`."""
    text = ascii_digits(words.strip())
    if not text or len(text) > LONGEST_ANSWER:
        return None
    if (shown := _shown_grade(text, hearing.scale)) is not None:
        return shown
    grade = _number(_before_scale(text, hearing), hearing)
    if grade is not None:
        return grade if isinstance(grade, int) and 1 <= grade <= hearing.scale else None
    return None if asks(text, hearing) else _named_grade(tokens(text), hearing)


# Numbers


def _number(words: str, hearing: Hearing, *, is_grouped: bool = False) -> Number | None:
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
    return _bounded(value * factor[0]) if factor and factor[0] in (100, 1_000) else value


def _plain(text: str) -> Number | None:
    if not _PLAIN.fullmatch(text) or not text.isascii():
        return None
    return _bounded(int(text) if text.lstrip("-").isdecimal() else float(text))


def _bounded(value: Number) -> Number | None:
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
    return _bounded(-value if figure.sign in ("-", "−") else value)


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


# Money

_SIGNS: Mapping[str, str] = {
    **{"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS", "₴": "UAH"},
    **{"us$": "USD", "r$": "BRL", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "mx$": "MXN", "nz$": "NZD"},
    **{"₫": "VND", "₱": "PHP", "฿": "THB", "zł": "PLN", "kč": "CZK", "fr.": "CHF", "sfr": "CHF", "ر.س": "SAR"},
    **{"د.إ": "AED", "ج.م": "EGP", "د.م": "MAD", "﷼": "SAR"},
}
_CODES = frozenset(
    (
        *("aed", "ars", "aud", "brl", "cad", "chf", "clp", "cny", "cop", "czk", "dkk", "egp", "eur", "gbp", "hkd"),
        *("huf", "ils", "inr", "jpy", "krw", "kwd", "mad", "mxn", "nok", "nzd", "pln", "qar", "ron", "rub", "sar"),
        *("sek", "sgd", "thb", "try", "tnd", "uah", "usd", "zar"),
    )
)


def _money(words: str, hearing: Hearing, *, is_named: bool = False) -> Json:
    text = words.strip()
    if hearing.strict or text.startswith("{"):
        return _money_value(decoded(text))
    if not text or len(text) > LONGEST_ANSWER or (asks(text, hearing) and not is_named):
        return None
    chunks = chunked(text)
    rules = own_rules(hearing)
    is_negative = rules is not None and any((word,) in rules.negative for word in tokens(text))
    if chunks is None or is_negative or denies(tokens(text), hearing):
        return None
    sums = [*_sums(chunks, hearing)]
    if len(sums) != 1:
        return None
    value, currency, rest = sums[0]
    if not currency and (is_named or not is_filler(rest, hearing)):
        return None
    return _rounded(value, currency or _usual(hearing))


def _money_value(value: Json) -> Json:
    match value:
        case {"amount": bool()}:
            return None
        case {"amount": int() | float() as number, "currency": str(currency), **rest} if not rest:
            is_code = len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
            return _rounded(number, currency) if is_code else None
        case _:
            return None


def _rounded(value: Number, currency: str) -> Json:
    from babel.numbers import get_currency_precision

    if not currency or not 0 <= value < LARGEST:
        return None
    rounded = _bounded(round(value, get_currency_precision(currency)))
    return {"amount": rounded, "currency": currency}


def _usual(hearing: Hearing) -> str:
    return hearing.currency or currency_of(hearing.region or region_of(hearing.language))


class _Counted(NamedTuple):
    """A number in a row of words."""

    value: Number
    currency: str
    """As written to it without a space."""


def _sums(chunks: Sequence[str | Figure], hearing: Hearing) -> Iterator[tuple[Number, str, Phrase]]:
    """Each amount with its currency, empty when none stands beside it, and what else is said."""
    row = _row(chunks, hearing)
    if row is None:
        return
    at = 0
    while at < len(row):
        item = row[at]
        if not isinstance(item, _Counted):
            at += 1
            continue
        start, value, currency = at, item.value, item.currency
        at += 1
        behind = _words_from(row, at)
        if not currency and (found := _currency(behind, hearing)):
            currency, at = found[0], at + found[1]
        elif not currency and start and (name := _before(row[start - 1], hearing)):
            start, currency = start - 1, name
        elif not currency and (cents := _cents(behind, hearing)):
            value, currency, at = value / 100, _usual(hearing), at + cents
        if currency:
            value, at = _with_cents(value, row, at, hearing)
        others = [word for word in (*row[:start], *row[at:]) if isinstance(word, str)]
        yield value, currency, tuple(others)


def _row(chunks: Sequence[str | Figure], hearing: Hearing) -> list[str | _Counted] | None:
    rules = own_rules(hearing)
    row: list[str | _Counted] = []
    in_digits = any(isinstance(chunk, Figure) for chunk in chunks)
    for chunk in chunks:
        if isinstance(chunk, Figure):
            counted = _counted(chunk, hearing)
            if counted is None:
                return None
            row.append(counted)
        else:
            row += [chunk.casefold()] if chunk.casefold() in {*_SIGNS, "$"} else tokens(chunk)
    return row if rules is None else [*_with_number_words(row, rules, hearing, in_digits=in_digits)]


def _with_number_words(
    row: Sequence[str | _Counted], rules: Rules, hearing: Hearing, *, in_digits: bool
) -> Iterator[str | _Counted]:
    """Beside digits, and where it is an article, a number word counts only before a currency."""
    for is_said, items in groupby(row, lambda item: isinstance(item, str)):
        if not is_said:
            yield from items
            continue
        said, done = unglued(tuple([item for item in items if isinstance(item, str)]), rules), 0
        for value, start, end in runs_of(said, rules):
            is_sum = _currency(said[end:], hearing) or _cents(said[end:], hearing)
            if (value != 1 and not in_digits) or is_sum:
                yield from said[done:start]
                yield _Counted(value, "")
                done = end
        yield from said[done:]


def _counted(figure: Figure, hearing: Hearing) -> _Counted | None:
    """None for digits that are no amount: `A17`."""
    behind = figure.after.casefold()
    thousands = behind.startswith("k") and behind not in ("kr", "kč")
    value = amount(figure, hearing.language, is_grouped=True)
    names = [name for name in (figure.before.casefold(), behind.removeprefix("k") if thousands else behind) if name]
    found = {_sign(name, hearing) for name in names}
    if value is None or len(found) > 1 or None in found:
        return None
    return _Counted(value * 1_000 if thousands else value, next(iter(found)) or "" if found else "")


def _sign(name: str, hearing: Hearing) -> str | None:
    if name == "$":
        usual = _usual(hearing)
        return usual if usual in ("USD", "CAD", "AUD", "NZD", "MXN", "ARS", "CLP", "COP", "SGD", "HKD") else "USD"
    if name in _SIGNS:
        return _SIGNS[name]
    if name in _CODES:
        return name.upper()
    found = _currency(tokens(name), hearing)
    return found[0] if found else None


def _words_from(row: Sequence[str | _Counted], at: int) -> Phrase:
    words: list[str] = []
    for item in row[at : at + 4]:
        if not isinstance(item, str):
            break
        words.append(item)
    return tuple(words)


def _currency(said: Phrase, hearing: Hearing) -> tuple[str, int] | None:
    """The money named at the beginning, and by how many words."""
    for rules in hearing.rules:
        if found := longest(said, 0, rules.currencies):
            return found
    if said and (said[0] in _CODES or said[0] in _SIGNS or said[0] == "$"):
        return str(_sign(said[0], hearing)), 1
    return None


def _before(item: str | _Counted, hearing: Hearing) -> str:
    found = _currency((item,), hearing) if isinstance(item, str) and not item.isdecimal() else None
    return found[0] if found else ""


def _cents(said: Phrase, hearing: Hearing) -> int:
    rules = own_rules(hearing)
    return max((size for size in (1, 2) if rules and said[:size] in rules.cents), default=0)


def _with_cents(value: Number, row: Sequence[str | _Counted], at: int, hearing: Hearing) -> tuple[Number, int]:
    """`5 euros 50`, `5 euros and 50 cents`."""
    rules = own_rules(hearing)
    place = at + 1 if at < len(row) and rules and row[at] in rules.joins else at
    item = row[place] if place < len(row) else None
    if not isinstance(item, _Counted) or item.currency or item.value != int(item.value) or not 0 <= item.value < 100:
        return value, at
    return value + item.value / 100, place + 1 + _cents(_words_from(row, place + 1), hearing)


# Grades

_FACES = {
    face: grade for grade, faces in enumerate(("😡😠🤬", "🙁😞😕👎", "😐😶", "🙂😊😀", "😍🤩😁👍"), 1) for face in faces
}
_STARS = "⭐★🌟"
_SHARE = re.compile(r"(\d{1,2})\s*/\s*(\d{1,2})\s*[.!]?")


def _shown_grade(text: str, scale: int) -> int | None:
    shown = text.replace("\ufe0f", "").replace("☆", "")
    if shown.strip(_STARS + " ") == "":
        stars = sum(c in _STARS for c in shown)
        return stars if 1 <= stars <= scale else None
    if shown[:1] in ("👍", "👎") and not any(c.isalnum() for c in shown):
        return scale if shown[0] == "👍" else 1
    return _scaled(_FACES[shown], scale) if shown in _FACES else None


def _before_scale(text: str, hearing: Hearing) -> str:
    """`4` of `4/5` and of `4 out of 5`, when the scale is the one that was asked for."""
    if found := _SHARE.fullmatch(text):
        return found[1] if int(found[2]) == hearing.scale else ""
    said, rules = tokens(text), own_rules(hearing)
    if rules is not None and len(said) > 2 and said[-1] == str(hearing.scale):
        for size in (1, 2):
            if said[-1 - size : -1] in rules.out_of:
                return " ".join(said[: -1 - size])
    return text


def _named_grade(said: Phrase, hearing: Hearing) -> int | None:
    for rules in hearing.rules if len(said) <= 8 else ():
        grades = set[int]()
        at = 0
        while at < len(said):
            found = longest(said, at, rules.grades)
            if found is None and said[at] in rules.negations:
                return None
            if found is not None:
                grades.add(found[0])
            at = found[1] if found else at + 1
        if len(grades) == 1:
            return _scaled(grades.pop(), hearing.scale)
    return None


def _scaled(grade: int, scale: int) -> int | None:
    """A word means one of five grades; of two it means the nearer, of other scales nothing certain."""
    if scale == 2:
        return None if grade == 3 else 1 + (grade > 3)
    return grade if scale == 5 else None
