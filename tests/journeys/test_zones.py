"""What time it is for the customer, as their channel tells: for dates they name, hours they are told, and waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import Address, Said, text
from bot.people import Zones, zone_named
from bot.ports import Accepted, Arrival
from bot.units import Identities, PutIdentity
from tests.bot.flow.script import HEADER, project
from tests.journeys.crossings import Crossings
from tests.journeys.stage import Stage, stage

FLOWS = """
flow: meet
about: Meets.
examples: [let us meet]
slots: {at: {type: datetime}}
steps:
  - {ask: at, say: When?}
  - {say: "{{ at }}"}
---
flow: opening
about: Hours.
examples: [when do you open]
steps:
  - {say: "We open at {{ hours.opens_at | time }}."}
"""
BERLIN = """
timezone: Europe/Berlin
hours: {mon-fri: 09:00-17:00}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    """It is Monday, ten o'clock UTC."""
    folder = project(tmp_path, FLOWS, header=HEADER + BERLIN)
    (folder / "knowledge").mkdir()
    async with stage(tmp_path, flows=folder) as made:
        yield made


async def say(desk: Stage, words: str, zone: str, *, on: str = "web") -> Accepted:
    to = desk.addresses[on] = Address("web", "shop", on)
    arrival = Arrival(
        account="shop",
        key=desk.parts.random.id(),
        raw=b"",
        to=to,
        by=on,
        at=desk.clock.now(),
        bodies=(Said(text(words)),),
        language="en",
        zone=zone,
    )
    accepted = await desk.parts.inbox(arrival)
    await desk.settle()
    return accepted


async def last(desk: Stage, on: str = "web") -> str:
    return (await desk.lines(on))[-1][1].replace("\u202f", " ")


async def kept(desk: Stage, on: str = "web") -> str:
    (identity,) = await desk.parts.store.read(Identities((await desk.found(on)).conversation.contact))
    return identity.zone


@pytest.mark.parametrize(
    ("zone", "shown", "at"),
    [
        ("Asia/Tokyo", "March 3, 2026, 3:00 PM", "+09:00"),
        ("America/New_York", "March 3, 2026, 3:00 PM", "-05:00"),
        ("", "March 3, 2026, 3:00 PM", "+01:00"),
        ("Mars/Olympus", "March 3, 2026, 3:00 PM", "+01:00"),
    ],
)
async def test_a_time_is_heard_in_the_customers_zone_else_in_the_business_s(
    desk: Stage, zone: str, shown: str, at: str
) -> None:
    await say(desk, "let us meet", zone)
    await say(desk, "tomorrow at 3pm", zone)
    assert await last(desk) == shown
    ended = (await desk.found("web")).state.ended
    assert ended is not None
    assert str(ended.slots["at"]).endswith(at)


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Tokyo", "5:00 PM"), ("", "9:00 AM")])
async def test_hours_are_told_in_the_customers_zone(desk: Stage, zone: str, shown: str) -> None:
    await desk.clock.advance(8 * 3600)
    await say(desk, "when do you open", zone)
    assert await last(desk) == f"We open at {shown}."


async def test_a_zone_is_kept_with_the_identity_and_changed_when_they_travel(desk: Stage) -> None:
    await say(desk, "hello", "Asia/Tokyo")
    assert await kept(desk) == "Asia/Tokyo"
    await say(desk, "let us meet", "Europe/Paris")
    assert await kept(desk) == "Europe/Paris"
    await say(desk, "tomorrow at 3pm", "")
    ended = (await desk.found("web")).state.ended
    assert ended is not None
    assert str(ended.slots["at"]).endswith("+01:00")


async def test_another_process_knows_it_from_the_store(desk: Stage) -> None:
    await say(desk, "hello", "Asia/Tokyo")
    contact = (await desk.found("web")).conversation.contact
    zones = Zones(desk.parts.store)
    assert [await zones.of(contact, channel) for channel in ("web", "telegram")] == ["Asia/Tokyo"] * 2


async def test_what_cannot_be_kept_loses_no_words(tmp_path: Path) -> None:
    crossings = Crossings(at=1, only=PutIdentity)
    folder = project(tmp_path, FLOWS)
    (folder / "knowledge").mkdir()
    async with stage(tmp_path, flows=folder, seen_as=crossings.of) as desk:
        await say(desk, "hello", "")
        accepted = await say(desk, "let us meet", "Asia/Tokyo")
        assert accepted.fresh
        assert await last(desk) == "When?"
        assert await kept(desk) == ""
        await say(desk, "tomorrow at 3pm", "Asia/Tokyo")
        assert await kept(desk) == "Asia/Tokyo"


async def test_flows_that_tell_no_time_ask_for_none(tmp_path: Path) -> None:
    crossings = Crossings(only=Identities)
    folder = project(tmp_path, "flow: f\nabout: x\nexamples: [do it]\nsteps: [{say: Done.}]")
    (folder / "knowledge").mkdir()
    async with stage(tmp_path, flows=folder, seen_as=crossings.of) as desk:
        await say(desk, "do it", "Asia/Tokyo")
        assert (await last(desk), crossings.passed) == ("Done.", 0)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 10_000, "\0"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_named(name) == ""
