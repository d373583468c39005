"""When people are there: business hours of each day of the week, and of holidays, in the business's own time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.model import Json

FARTHEST = 370
"""Days ahead in which the next opening is looked for."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60

Interval = tuple[int, int]
"""Minutes of the day by the clock on the wall: from, and until before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """With no week at all nothing is known: whether somebody is there, nobody can say."""

    zone: tzinfo = UTC
    week: Mapping[int, tuple[Interval, ...]] = field(default_factory=dict)
    """By weekday, 0 is Monday; each day's intervals in order."""
    holidays: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)
    """In place of the weekday's; empty: closed."""

    def local(self, now: datetime) -> datetime:
        return now.astimezone(self.zone)

    def at(self, now: datetime, zone: tzinfo | None = None) -> dict[str, Json]:
        """`open`, and when that ends: `closes_at` or `opens_at`, the other null. Empty where nothing is known.

        `zone`: in which these are told; None: in the business's own.
        """
        if not self.week:
            return {}
        opens_at, closes_at = next(self._spans(now), (None, None))
        if opens_at is None or closes_at is None:
            return {"open": False, "opens_at": None, "closes_at": None}
        if opens_at <= now:
            return {"open": True, "opens_at": None, "closes_at": closes_at.astimezone(zone or self.zone).isoformat()}
        return {"open": False, "opens_at": opens_at.astimezone(zone or self.zone).isoformat(), "closes_at": None}

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of time in which somebody is there, from the present or next one on."""
        begun: tuple[datetime, datetime] | None = None
        today = self.local(now).date()
        for day in (today + timedelta(days) for days in range(-1, FARTHEST)):
            for since, until in self.holidays.get(day, self.week.get(day.weekday(), ())):
                opens_at, closes_at = self._moment(day, since), self._moment(day, until)
                if begun and begun[1] >= opens_at:  # through midnight
                    begun = begun[0], closes_at
                    continue
                if begun and begun[1] > now:
                    yield begun
                begun = opens_at, closes_at
        if begun and begun[1] > now:
            yield begun

    def _moment(self, day: date, minute: int) -> datetime:
        days, minute = divmod(minute, _DAY)
        return datetime.combine(day + timedelta(days), time(*divmod(minute, 60)), self.zone)


ALWAYS = Hours()
"""Of a business that tells no hours."""


def interval(text: str) -> Interval:
    """`09:00-12:30`. Raises ValueError, in words for the author."""
    begins, dash, ends = text.replace(" ", "").replace("–", "-").partition("-")
    since, until = _minute(begins), _minute(ends)
    if not dash or since is None or until is None:
        raise ValueError(f"{text!r} are no hours; they look like 09:00-12:30")
    if until <= since:
        raise ValueError(f"{text!r} ends before it begins; through the night is 22:00-24:00, then the next day's")
    return since, until


def _minute(text: str) -> int | None:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2 and len(minutes) == 2):
        return None
    minute = int(hours) * 60 + int(minutes)
    return minute if int(minutes) < 60 and minute <= _DAY else None


def days(text: str) -> tuple[int, ...]:
    """`mon`, or `mon-fri`. Raises ValueError, in words for the author."""
    first, dash, last = text.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError(f"{text!r} is no day; days are {', '.join(WEEKDAYS)}, or several, as in mon-fri")
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    if end < begin:
        raise ValueError(f"{text!r} runs backwards; write two lines")
    return tuple(range(begin, end + 1))
