"""SL18: what was said while nobody listened, or while Slack dropped events, is read and is the same event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bot.model import text
from channels.sandbox.faults import Do, Rule
from channels.slack.channel import Slack
from tests.channels.sandbox.serve import until
from tests.channels.slack.desk import Desk, desk


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        await until(lambda: "alive" in made.harness.vault.kept)
        yield made


async def nobody_listens(at: Desk) -> None:
    """Events get lost, every attempt."""
    at.harness.box.faults.script([Rule(on="message", do=Do(drop=True)), Rule(on="app_mention", do=Do(drop=True))])


async def passes(at: Desk, happened: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.002)
            await at.harness.clock.advance(1)


async def restarted(at: Desk, channel: Slack) -> None:
    """It runs until it has beaten once, and is no longer behind."""
    kept = at.harness.vault.kept
    before = kept.get("alive")
    running = asyncio.create_task(channel.run(at.inbox))
    try:
        await at.harness.clock.advance(1)
        await passes(at, lambda: kept.get("alive") != before and "behind" not in kept and not channel._answers.tasks)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def away(at: Desk) -> Desk:
    """An account whose program has ended, after it had heard something."""
    await at.act("say", chat=at.direct, text="before")
    await at.heard()
    await at.settled()
    await at.stops()
    return at


async def test_sl18_after_an_outage_it_catches_up(away: Desk) -> None:
    await nobody_listens(away)
    root = await away.act("say", chat=away.general, text="@Frontdesk missed a mention")
    await away.act("say", chat=away.general, text="and a reply", thread=root["message"])
    await away.act("say", chat=away.general, text="lunch?")
    await away.act("say", chat=away.direct, text="missed you")
    await away.harness.clock.advance(400)
    away.harness.box.faults.script([])
    await restarted(away, await away.harness.open(away.inbox))
    assert sorted(away.inbox.heard()) == ["and a reply", "before", "missed a mention", "missed you"]


async def test_sl18_what_slack_tells_again_is_no_outage(away: Desk) -> None:
    await nobody_listens(away)
    await away.act("say", chat=away.direct, text="missed you")
    away.harness.box.faults.script([])
    await restarted(away, await away.harness.open(away.inbox))
    assert away.inbox.heard() == ["before"]
    assert away.calls("users.conversations") == []


async def test_sl18_before_the_first_run_nothing_is_read() -> None:
    async with desk() as at:
        await at.stops()
        await nobody_listens(at)
        await at.act("say", chat=at.direct, text="long ago")
        at.harness.box.faults.script([])
        at.harness.vault.kept.clear()
        await restarted(at, await at.harness.open(at.inbox))
        assert at.inbox.heard() == []


async def test_sl18_dropped_events_are_read_once_slack_drops_no_more(at: Desk) -> None:
    await nobody_listens(at)
    await at.act("say", chat=at.direct, text="dropped")
    at.harness.box.faults.script([])
    await at.act("limited")
    await until(lambda: "behind" in at.harness.vault.kept)
    await at.channel.send(at.address(), text("ours"), key="k")
    await passes(at, lambda: "behind" not in at.harness.vault.kept)
    assert at.inbox.heard() == ["dropped"]


async def test_sl18_it_waits_where_it_may_read_once_a_minute(at: Desk) -> None:
    await nobody_listens(at)
    await at.act("say", chat=at.direct, text="dropped")
    at.harness.box.faults.script([Rule(on="conversations.history", nth=1, do=Do(status=429, after=60))])
    await at.act("limited")
    await until(lambda: "behind" in at.harness.vault.kept)
    await passes(at, lambda: "behind" not in at.harness.vault.kept)
    assert at.inbox.heard() == ["dropped"]


async def test_sl18_a_crash_while_it_reads_is_made_up_for(at: Desk) -> None:
    await nobody_listens(at)
    await at.act("say", chat=at.direct, text="dropped")
    at.harness.box.faults.script([])
    await at.act("limited")
    await until(lambda: "behind" in at.harness.vault.kept)
    await at.stops()
    await restarted(at, await at.harness.open(at.inbox))
    assert at.inbox.heard() == ["dropped"]
