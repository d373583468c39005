"""Days, times of day, moments and durations: answers to a question that asks for one.

Words beside it that say something else leave it unread: asking again is better than guessing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from bot.flow.slots.heard import SECONDS, Heard, listen, local_now, zone_of
from bot.flow.slots.kind import Hearing, asks
from bot.model import Json

LONGEST_DURATION = 100 * SECONDS["year"]

_ISO_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?", re.IGNORECASE)


def parse_date(words: str, hearing: Hearing) -> Json:
    """ISO 8601, or as people say it: `3 March`, `demain`, `next friday`."""
    text = words.strip()
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else _spoken_date(text, hearing)
    except ValueError:
        return _spoken_date(text, hearing)


def find_date(words: str, hearing: Hearing) -> Json:
    """The one day that is named in a request."""
    for heard in listen(words, hearing):
        if len(heard.days) == 1 and heard.is_clear:
            return heard.days[0].isoformat()
    return None


def parse_time(words: str, hearing: Hearing) -> Json:
    """`15:30`, with seconds where they were said."""
    text = words.strip()
    if _is_clock(text):
        return _clock_text(time.fromisoformat(text))
    if hearing.strict or asks(text, hearing):
        return None
    for heard in listen(text, hearing, bare_hours=True):
        if len(heard.clocks) == 1 and len(heard.days) <= 1 and not heard.moments and heard.is_all:
            return _clock_text(heard.clocks[0].at(heard.half))
    return None


def parse_datetime(words: str, hearing: Hearing) -> Json:
    """ISO 8601 with the offset of the customer's zone."""
    text, zone = words.strip(), zone_of(hearing)
    try:
        moment = datetime.fromisoformat(text) if 16 <= len(text) <= 40 else None
    except ValueError:
        moment = None
    if moment is not None and moment.year > 1:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()
    if hearing.strict or asks(text, hearing):
        return None
    for heard in listen(text, hearing):
        if heard.is_all and (found := _moment(heard, hearing)) is not None:
            return found.isoformat(timespec="seconds")
    return None


def parse_duration(words: str, hearing: Hearing) -> Json:
    """In seconds. A month has 30 days, a year 365; a number alone says nothing, except as a value."""
    text = words.strip()
    if hearing.strict and text.isascii() and text.isdecimal() and len(text) < 12:
        return _bounded(int(text))
    if (found := _ISO_DURATION.fullmatch(text)) and any(found.groups()):
        days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
        return _bounded(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    if hearing.strict or asks(text, hearing):
        return None
    for heard in listen(text, hearing, spans=True):
        if len(heard.spans) == 1 and not (heard.days or heard.clocks or heard.moments) and heard.is_all:
            return _bounded(round(heard.spans[0]))
    return None


def _bounded(seconds: int) -> int | None:
    return seconds if 0 <= seconds <= LONGEST_DURATION else None


def _is_clock(text: str) -> bool:
    return re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?", text, re.ASCII) is not None


def _clock_text(at: time) -> str:
    return at.isoformat("seconds" if at.second else "minutes")


def _spoken_date(text: str, hearing: Hearing) -> str | None:
    if hearing.strict or asks(text, hearing):
        return None
    for heard in listen(text, hearing):
        if len(heard.days) == 1 and not heard.moments and heard.is_all:
            return heard.days[0].isoformat()
    is_known = any(rules.times.days for rules in hearing.rules[:1])
    return None if is_known else _foreign_date(text, hearing)


def _moment(heard: Heard, hearing: Hearing) -> datetime | None:
    now = local_now(hearing)
    if len(heard.moments) == 1 and not heard.days and not heard.clocks:
        return heard.moments[0]
    if now is None or len(heard.clocks) != 1 or len(heard.days) > 1 or heard.moments:
        return None
    at = heard.clocks[0].at(heard.half)
    if heard.days:
        return datetime.combine(heard.days[0], at, now.tzinfo)
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else today + timedelta(days=1)


def _foreign_date(text: str, hearing: Hearing) -> str | None:
    """In a language that comes without rules of ours."""
    if not hearing.now or not 2 < len(text) <= 60:
        return None
    from dateparser import parse

    fixed = {"RELATIVE_BASE": _naive(hearing), "RETURN_AS_TIMEZONE_AWARE": False}
    readings: Sequence[dict[str, object]]
    if any(c.isdecimal() for c in text):
        readings = [{"REQUIRE_PARTS": ["day", "month"]}]
    else:  # `friday` has no parts to ask for; `may` gives two different days
        readings = [{"PREFER_DAY_OF_MONTH": day, "PREFER_DATES_FROM": "future"} for day in ("first", "last")]
    languages, locales = _where(hearing.language.replace("_", "-"))
    found = {parse(text, settings={**fixed, **reading}, languages=languages, locales=locales) for reading in readings}
    days = {moment and moment.date() for moment in found}
    day = days.pop() if len(days) == 1 else None
    return day.isoformat() if day else None


def _naive(hearing: Hearing) -> datetime:
    now = local_now(hearing)
    assert now is not None
    return now.replace(tzinfo=None)


def _where(tag: str) -> tuple[list[str] | None, list[str] | None]:
    """A region is kept where the library knows it; what it does not know is read as English."""
    from dateparser.data.languages_info import language_locale_dict

    language = tag.partition("-")[0]
    if tag in language_locale_dict.get(language, []):
        return None, [tag]
    return [language if language in language_locale_dict else "en"], None
