"""When people are there, as conditions see it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.flow.hours import ALWAYS, Hours
from bot.flow.read import read
from tests.bot.flow.script import HEADER, project

PARIS = ZoneInfo("Europe/Paris")
SHOP = Hours(
    zone=PARIS,
    week={**dict.fromkeys(range(5), ((540, 750), (810, 1080))), 5: ((600, 1440),), 6: ((0, 120),)},
    holidays={date(2026, 3, 3): (), date(2026, 3, 4): ((600, 720),)},
)


@pytest.mark.parametrize(
    ("now", "known"),
    [
        ("2026-03-02T09:00", {"open": True, "opens_at": None, "closes_at": "2026-03-02T12:30:00+01:00"}),
        ("2026-03-02T08:59", {"open": False, "opens_at": "2026-03-02T09:00:00+01:00", "closes_at": None}),
        ("2026-03-02T12:30", {"open": False, "opens_at": "2026-03-02T13:30:00+01:00", "closes_at": None}),
        ("2026-03-02T18:00", {"open": False, "opens_at": "2026-03-04T10:00:00+01:00", "closes_at": None}),
        ("2026-03-07T23:00", {"open": True, "opens_at": None, "closes_at": "2026-03-08T02:00:00+01:00"}),
        ("2026-03-08T01:00", {"open": True, "opens_at": None, "closes_at": "2026-03-08T02:00:00+01:00"}),
        ("2026-03-27T19:00", {"open": False, "opens_at": "2026-03-28T10:00:00+01:00", "closes_at": None}),
        ("2026-03-29T10:00", {"open": False, "opens_at": "2026-03-30T09:00:00+02:00", "closes_at": None}),
    ],
    ids=["opens", "before", "noon", "before a holiday", "night", "after midnight", "weekend", "summer time"],
)
def test_open_and_until_when(now: str, known: dict[str, object]) -> None:
    assert SHOP.at(datetime.fromisoformat(now).replace(tzinfo=PARIS).astimezone(UTC)) == known


def test_without_hours_nothing_is_known() -> None:
    assert ALWAYS.at(datetime(2026, 3, 2, tzinfo=UTC)) == {}


def test_a_business_that_is_closed_for_good_opens_never() -> None:
    closed = Hours(week={0: ()})
    assert closed.at(datetime(2026, 3, 2, tzinfo=UTC)) == {"open": False, "opens_at": None, "closes_at": None}


def test_hours_are_read_from_the_header(tmp_path: Path) -> None:
    header = HEADER + (
        "timezone: Europe/Paris\n"
        'hours: {mon-fri: ["09:00-12:30", "13:30-18:00"], sat: "10:00-24:00", sun: "0:00-2:00"}\n'
        'holidays: {2026-03-03: closed, 2026-03-04: "10:00-12:00"}\n'
    )
    book = read(project(tmp_path, "flow: f\nabout: x\nsteps: [{say: Hi}]", header=header))
    assert book.assistant.hours == SHOP
