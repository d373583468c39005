"""Sums of money: an amount, and the currency that stands beside it as a sign, a code or a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from bot.flow.locales import currency_of, region_of
from bot.flow.rules import Rules, longest
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, asks, decoded, denies, is_filler, own_rules
from bot.flow.slots.numbers import LARGEST, Figure, Number, amount, bounded, chunked, runs_of, unglued
from bot.flow.words import Phrase, tokens
from bot.model import Json


def parse_money(words: str, hearing: Hearing) -> Json:
    """`{"amount", "currency"}`. Without a currency it is the hearing's, if the amount is all that is said."""
    return _money(words, hearing)


def find_money(words: str, hearing: Hearing) -> Json:
    """Only with its currency."""
    return _money(words, hearing, is_named=True)


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
    rounded = bounded(round(value, get_currency_precision(currency)))
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
