"""What words name of days, times of day, moments and spans, seen from the moment of the turn.

What is said without a year, a day or a half of the day is read as people who write to a business mean it: a date
without a year is of this one, unless it lies more than half a year back; a weekday is the next one; three o'clock is
in the afternoon.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bot.flow.locales import locale_of
from bot.flow.rules import Rules, Unit, after, longest, rules_from
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, ascii_digits, denies
from bot.flow.slots.numbers import spoken, unglued
from bot.flow.words import Phrase, folded

if TYPE_CHECKING:
    from babel import Locale

SECONDS: dict[Unit, int] = {
    **{"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800},
    **{"month": 30 * 86_400, "year": 365 * 86_400},
}

_ITEM = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)|\d{1,2}[:.]\d{2}(?::\d{2})?(?!\d)"
    r"|\d{1,2}/\d{1,2}(?!\d)|\d+[.,]\d+|\d+|[^\W\d_]+"
)
_ORDINAL = frozenset(("st", "nd", "rd", "th", "er", "re", "ere", "e", "eme", "o", "a"))
_NO_RULES = rules_from({})


class Clock(NamedTuple):
    """A time of day as it was said."""

    minutes: int
    """Since midnight, of a day of 24 hours or of one of its halves."""
    second: int = 0
    is_whole: bool = False
    """Of a day of 24 hours."""

    def at(self, half: str) -> time:
        hour, minute = divmod(self.minutes % 1_440, 60)
        match half:
            case "pm" if hour < 12:
                hour += 12
            case "am" if hour == 12:
                hour = 0
            case "night" if hour <= 12 and not self.is_whole:
                hour = hour if hour < 6 else (hour + 12) % 24
            case "" if 1 <= hour <= 6 and not self.is_whole:
                hour += 12
        return time(hour, minute, self.second)


@dataclass(slots=True)
class Heard:
    """What the words name, in order."""

    days: list[date] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    half: str = ""
    """`am`, `pm` or `night`, where it is said."""
    is_all: bool = True
    """Nothing else is said."""
    is_clear: bool = True
    """No day is named by a word as short as `sun`."""


def listen(words: str, hearing: Hearing, *, bare_hours: bool = False, spans: bool = False) -> list[Heard]:
    """As each language understands it."""
    text = words.strip()
    if not text or len(text) > LONGEST_ANSWER:
        return []
    said = tuple([found[0] for found in _ITEM.finditer(folded(ascii_digits(text)))])
    if len(said) > 60 or denies(said, hearing):
        return []
    readings = hearing.rules or (_NO_RULES,)
    return [_Listening(unglued(said, rules), rules, hearing, spans=spans).heard(bare_hours) for rules in readings]


class _Listening:
    def __init__(self, said: Phrase, rules: Rules, hearing: Hearing, *, spans: bool) -> None:
        self.said, self.rules, self.times = said, rules, rules.times
        self.hearing, self.spans = hearing, spans
        self.now = local_now(hearing)
        self.joins = frozenset([(word,) for word in rules.joins])

    def heard(self, bare_hours: bool) -> Heard:
        found, at = Heard(), 0
        while at < len(self.said):
            end = self.take(at, found)
            if end == at:
                found.is_all = found.is_all and self.said[at] in self.rules.filler
                end += 1
            at = end
        if bare_hours and not found.clocks and not found.is_all:
            self.take_bare_hour(found)
        return found

    def take(self, at: int, found: Heard) -> int:
        """Where that ends which begins there; `at` where nothing does."""
        if self.spans:
            if span := self.span(at):
                found.spans.append(sum(number * SECONDS[unit] for number, unit in span[0]))
                return span[1]
            return after(self.said, at, self.times.at)
        if moment := self.moment(at):
            found.moments.append(moment[0])
            return moment[1]
        if day := self.day(at):
            found.days.append(day[0])
            found.half = self.half_within(at, day[1]) or found.half
            found.is_clear = found.is_clear and (
                day[1] - at > 1 or len(self.said[at]) > 3 or not self.said[at].isascii()
            )
            return day[1]
        if clock := self.clock(at):
            found.clocks.append(clock[0])
            return clock[1]
        half, end = self.half(at)
        found.half = half or found.half
        return end

    def take_bare_hour(self, found: Heard) -> None:
        """`3`, where a time is asked for and nothing else is said."""
        said = self.rules.without_filler(self.said) or self.said
        hour = self.hour(0, said)
        if hour and hour[1] == len(said):
            found.clocks, found.is_all = [Clock(hour[0] * 60)], True

    # Halves of the day

    def half(self, at: int) -> tuple[str, int]:
        for name, known in (("night", self.times.night), ("am", self.times.am), ("pm", self.times.pm)):
            if (end := after(self.said, at, known)) > at:
                return name, end
        return "", at

    def half_within(self, at: int, end: int) -> str:
        """`this evening` is a day and a half of it."""
        for start in range(at, end):
            half, stop = self.half(start)
            if half and stop == end:
                return half
        return ""

    # Days

    def day(self, at: int) -> tuple[date, int] | None:
        try:
            return self.written_day(at) or self.near_day(at) or self.weekday(at) or self.day_of_month(at)
        except (ValueError, OverflowError):
            return None

    def written_day(self, at: int) -> tuple[date, int] | None:
        """In digits, in the order of the customer's country."""
        item = self.said[at]
        numbers = [int(number) for number in re.split(r"[./-]", item) if number.isdecimal()]
        if len(numbers) < 2 or ":" in item or "," in item:
            return None
        if len(numbers) == 2 and (max(numbers) > 31 or len(item) > 5):
            return None
        if len(numbers) == 3 and numbers[0] > 31:
            return date(*numbers), at + 1
        first, second = numbers[:2]
        month_first = _is_month_first(self.hearing.language, self.hearing.region) and "." not in item
        day, month = (second, first) if (month_first and first <= 12) or second > 12 else (first, second)
        if len(numbers) == 3:
            year = numbers[2] if numbers[2] > 99 else 2_000 + numbers[2]
            return date(year, month, day), at + 1
        return self.near(month, day), at + 1

    def near(self, month: int, day: int) -> date:
        """Of this year, or of the next when that is half a year ago."""
        today = self.today
        this = date(today.year, month, day)
        return this if (today - this).days <= 183 else date(today.year + 1, month, day)

    @property
    def today(self) -> date:
        if self.now is None:
            raise ValueError("nobody knows what day it is")
        return self.now.date()

    def near_day(self, at: int) -> tuple[date, int] | None:
        if found := longest(self.said, at, self.times.days):
            return self.today + timedelta(days=found[0]), found[1]
        away = self.away(at)
        if away is None or any(unit in ("second", "minute", "hour") for _, unit in away[0]):
            return None
        day = self.today
        for number, unit in away[0]:
            day = _moved(day, number, unit)
        return day, away[1]

    def away(self, at: int) -> tuple[list[tuple[float, Unit]], int] | None:
        """`in two days`, `two days ago`: the last are negative."""
        start, sign = after(self.said, at, self.times.ahead), 1
        if start == at:
            start, sign = after(self.said, at, self.times.ago), -1
        span = self.span(start)
        if span is None:
            return None
        parts, end = span
        if start == at:
            sign, end = 1, after(self.said, end, self.times.ahead)
            if end == span[1]:
                sign, end = -1, after(self.said, end, self.times.ago)
            if end == span[1]:
                return None
        return [(sign * number, unit) for number, unit in parts], end

    def weekday(self, at: int) -> tuple[date, int] | None:
        start, which = self.which(at)
        found = longest(self.said, start, self.times.weekdays)
        if found is None:
            return None
        weekday, end = found
        if exact := self.day_of_month(end):
            return exact
        if not which:
            end, which = self.which(end)
        today = self.today
        ahead = (weekday - today.weekday()) % 7
        match which:
            case "previous":
                ahead = ahead - 7
            case "this":
                pass
            case _:
                ahead = ahead or 7
        return today + timedelta(days=ahead), end

    def which(self, at: int) -> tuple[int, str]:
        for name, known in (("next", self.times.next), ("this", self.times.this), ("previous", self.times.previous)):
            if (end := after(self.said, at, known)) > at:
                return end, name
        return at, ""

    def day_of_month(self, at: int) -> tuple[date, int] | None:
        """`3 March 2026`, `March 3rd`, `the 3rd`."""
        if at >= len(self.said):
            return None
        if found := longest(self.said, at, self.times.months):
            day = self.numbered_day(after(self.said, found[1], self.times.of))
            return self.dated(found[0], day[0], day[1]) if day else None
        day = self.numbered_day(at)
        if day is None:
            return None
        found = longest(self.said, after(self.said, day[1], self.times.of), self.times.months)
        if found:
            return self.dated(found[0], day[0], found[1])
        is_ordinal = self.said[at].isdecimal() and day[1] == at + 2
        return (self.coming(day[0]), day[1]) if is_ordinal and self.said[at + 1] in ("st", "nd", "rd", "th") else None

    def coming(self, day: int) -> date:
        today = self.today
        first = today if day >= today.day else (today.replace(day=1) + timedelta(days=32))
        return first.replace(day=day)

    def dated(self, month: int, day: int, end: int) -> tuple[date, int]:
        year = after(self.said, end, self.times.of)
        if year < len(self.said) and len(self.said[year]) == 4 and self.said[year].isdecimal():
            return date(int(self.said[year]), month, day), year + 1
        return self.near(month, day), end

    def numbered_day(self, at: int) -> tuple[int, int] | None:
        if at >= len(self.said):
            return None
        if self.said[at].isdecimal():
            end = at + 1
            if end < len(self.said) and self.said[end] in _ORDINAL:
                end += 1
            return (int(self.said[at]), end) if len(self.said[at]) < 3 else None
        for place, names in enumerate(self.rules.ordinals, 1):
            if (end := after(self.said, at, names)) > at:
                return place, end
        found = spoken(self.said, at, self.rules)
        return found if found and 1 <= found[0] <= 31 else None

    # Times of day

    def clock(self, at: int) -> tuple[Clock, int] | None:
        for minutes, known in ((720, self.times.noon), (0, self.times.midnight)):
            if (end := after(self.said, at, known)) > at:
                return Clock(minutes, is_whole=True), end
        start = after(self.said, at, self.times.at)
        if start >= len(self.said):
            return None
        return self.written_clock(start, start > at) or self.said_before(start) or self.hour_and_more(start, start > at)

    def written_clock(self, at: int, is_told: bool) -> tuple[Clock, int] | None:
        """`15:30`, `3:30 pm`, `15.30 Uhr`."""
        item = self.said[at]
        numbers = [int(number) for number in re.split(r"[:.]", item) if number.isdecimal()]
        end = after(self.said, at + 1, self.times.hour)
        is_clock = ":" in item or ("." in item and (is_told or end > at + 1))
        if not is_clock or not 1 < len(numbers) < 4 or numbers[0] > 24 or max(numbers[1:]) > 59:
            return None
        is_whole = item.startswith("0") or not _has_halves(self.hearing.language, self.hearing.region)
        return Clock(numbers[0] * 60 + numbers[1], numbers[2] if numbers[2:] else 0, is_whole), end

    def said_before(self, at: int) -> tuple[Clock, int] | None:
        """`half past three`, `halb vier`, `ten to five`."""
        if found := longest(self.said, at, self.times.before):
            minutes, end = found
        else:
            number = self.count(at)
            if number is None or not 0 < number[0] < 60:
                return None
            end = after(self.said, number[1], self.times.past)
            sign = 1
            if end == number[1]:
                sign, end = -1, after(self.said, number[1], self.times.to)
            if end == number[1]:
                return None
            minutes = sign * number[0]
        hour = self.hour(after(self.said, end, self.times.at), self.said)
        if hour is None:
            return None
        return Clock(hour[0] * 60 + minutes, is_whole=hour[0] > 12), after(self.said, hour[1], self.times.hour)

    def hour_and_more(self, at: int, is_told: bool) -> tuple[Clock, int] | None:
        """`3pm`, `15h30`, `trois heures et demie`, `las tres menos diez`: a bare number is no time."""
        hour = self.hour(at, self.said, ordinal=is_told)
        if hour is None:
            return None
        end = after(self.said, hour[1], self.times.hour)
        is_named = end > hour[1]
        minutes, more = self.minutes_after(end)
        is_sure = is_told or is_named or more > end
        if not is_sure and not self.half(end)[0]:
            return None
        if not is_told and not is_named and more > end and self.said[end].isdecimal() and len(self.said[end]) < 2:
            return None
        return Clock(hour[0] * 60 + minutes, is_whole=hour[0] > 12 or hour[0] == 0), more

    def minutes_after(self, at: int) -> tuple[int, int]:
        if found := longest(self.said, at, self.times.after):
            return found
        start, sign = after(self.said, at, self.times.minus), -1
        if start == at:
            start, sign = at + (at < len(self.said) and self.said[at] in self.rules.joins), 1
        number = self.count(start)
        if number is None or not 0 <= number[0] < 60 or longest(self.said, number[1], self.times.months):
            return 0, at
        end = number[1]
        unit = longest(self.said, end, self.times.spans)
        if unit and unit[0] != "minute":
            return 0, at
        return sign * number[0], unit[1] if unit else end

    def hour(self, at: int, said: Phrase, *, ordinal: bool = False) -> tuple[int, int] | None:
        if at >= len(said):
            return None
        if said[at].isdecimal():
            return (int(said[at]), at + 1) if len(said[at]) < 3 and int(said[at]) <= 24 else None
        found = spoken(said, at, self.rules)
        if found is None and ordinal:  # in Arabic hours are counted off
            places = ((place, after(said, at, names)) for place, names in enumerate(self.rules.ordinals, 1))
            found = next((each for each in places if each[1] > at), None)
        return found if found and found[0] <= 24 else None

    def count(self, at: int) -> tuple[int, int] | None:
        if at < len(self.said) and self.said[at].isdecimal():
            return (int(self.said[at]), at + 1) if len(self.said[at]) < 7 else None
        return spoken(self.said, at, self.rules)

    # Moments and spans

    def moment(self, at: int) -> tuple[datetime, int] | None:
        if self.now is None:
            return None
        if (end := after(self.said, at, self.times.now)) > at:
            return self.now.replace(microsecond=0), end
        away = self.away(at)
        if away is None or not any(unit in ("second", "minute", "hour") for _, unit in away[0]):
            return None
        try:
            seconds = sum(number * SECONDS[unit] for number, unit in away[0])
            return (self.now + timedelta(seconds=seconds)).replace(microsecond=0), away[1]
        except OverflowError:
            return None

    def span(self, at: int) -> tuple[list[tuple[float, Unit]], int] | None:
        """`two hours and 30 minutes`, `1h30`, `une heure et demie`, `an hour and a half`."""
        parts: list[tuple[float, Unit]] = []
        end = at
        while (found := self.part(after(self.said, end, self.joins) if parts else end)) and len(parts) < 6:
            part, end = found
            parts.append(part)
            more = self.count(end)
            is_last = more is None or not longest(self.said, more[1], self.times.spans)
            if part[1] == "hour" and more and more[0] < 60 and is_last and self.said[end].isdecimal():
                parts.append((more[0], "minute"))
                end = more[1]
        return (parts, end) if parts else None

    def part(self, at: int) -> tuple[tuple[float, Unit], int] | None:
        if at >= len(self.said):
            return None
        if (end := after(self.said, at, self.times.quarter_hour)) > at:
            return (15, "minute"), end
        if found := longest(self.said, at, self.times.pairs):
            return (2, found[0]), found[1]
        if self.spans and re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", self.said[at]):
            hours, minutes, seconds = (int(each) for each in f"{self.said[at]}:0".split(":")[:3])
            return (hours * 60 + minutes + seconds / 60, "minute"), at + 1
        number = self.quantity(at)
        if number is None:
            return None
        unit = longest(self.said, number[1], self.times.spans)
        if unit is None:
            return None
        half = after(self.said, unit[1], self.times.and_half)
        return (number[0] + (0.5 if half > unit[1] else 0), unit[0]), half

    def quantity(self, at: int) -> tuple[float, int] | None:
        for value, known in ((0.5, self.times.half), (1.5, self.times.one_and_half), (1, self.times.one)):
            if (end := after(self.said, at, known)) > at:
                return value, end
        item = self.said[at]
        number: tuple[float, int] | None = self.count(at)
        if number is None and re.fullmatch(r"\d{1,6}[.,]\d{1,6}", item):
            number = float(item.replace(",", ".")), at + 1
        for (word,) in (phrase for phrase in self.times.and_half if len(phrase) == 1):
            if number is None and item.endswith(word) and (item.removesuffix(word),) in self.rules.numbers:
                return self.rules.numbers[(item.removesuffix(word),)] + 0.5, at + 1
        if number is None:  # a language with a word for two of a thing says one by the thing alone
            return (1, at) if len(self.times.pairs) > 1 else None
        half = after(self.said, number[1], self.times.and_half)
        return number[0] + (0.5 if half > number[1] else 0), half


def _moved(day: date, number: float, unit: Unit) -> date:
    """Months and years by the calendar: a month after 31 January is the last of February."""
    if unit not in ("month", "year") or number != int(number):
        return day + timedelta(seconds=number * SECONDS[unit])
    months = day.year * 12 + day.month - 1 + int(number) * (12 if unit == "year" else 1)
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(first.replace(day=min(day.day, last.day)), last)


@lru_cache(maxsize=1_000)  # customers bring the languages
def _is_month_first(language: str, region: str) -> bool:
    pattern = str(_localized(language, region).date_formats["short"].pattern)
    return 0 <= pattern.find("M") < pattern.find("d")


@lru_cache(maxsize=1_000)
def _has_halves(language: str, region: str) -> bool:
    """Whether a clock there goes to twelve."""
    return "a" in str(_localized(language, region).time_formats["short"].pattern)


def _localized(language: str, region: str) -> Locale:
    return locale_of(f"{language}-{region}" if region and "-" not in language else language)


def local_now(hearing: Hearing) -> datetime | None:
    """The moment of the turn where the customer is."""
    if not hearing.now:
        return None
    now = datetime.fromisoformat(hearing.now)
    return (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(zone_of(hearing))


def zone_of(hearing: Hearing) -> tzinfo:
    if hearing.zone:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return ZoneInfo(hearing.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    return datetime.fromisoformat(hearing.now).tzinfo or UTC if hearing.now else UTC
