"""The real program asked to stop while it works: what has begun ends and is seen, and nothing is lost."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx2
import pytest

from tests.faults.floor import Floor, floor, until
from tests.faults.scale import TIER

pytestmark = pytest.mark.processes

PATIENCE = 25.0
"""Seconds that running turns have."""
SOON = 8.0
"""What the rest of stopping may take: it takes a tenth of that, and a lease lasts twice as long."""
TERM, INT = signal.SIGTERM, signal.SIGINT
SIGNALS = [(TERM, INT), (INT, TERM), (INT, INT), (TERM, TERM)][: {"test": 1, "ci": 2, "nightly": 4}[TIER]]


async def mid_stream(shop: Floor) -> None:
    """Every customer waits for the end of an answer."""
    shop.model.may_end.clear()
    for speaker in shop.speakers:
        speaker.say()
    for tab in shop.tabs:
        await until(tab.client, lambda client: client.draft is not None)
    await shop.model.until_held(len(shop.speakers))


async def stopping(shop: Floor, number: signal.Signals = signal.SIGTERM) -> None:
    """It has heard that it is to stop."""
    shop.program.send(number)
    async with httpx2.AsyncClient(base_url=shop.program.address, trust_env=False) as http:
        await shop.program.until_ready(http, ready=False)
        assert (await http.get("/readyz")).text == "stopping"
        assert (await http.get("/healthz")).status_code == 200


async def test_what_has_begun_ends_and_is_seen_before_the_sockets_close(tmp_path: Path, sqlite: str) -> None:
    async with floor(tmp_path, sqlite) as shop:
        await shop.customer(tabs=2)
        await shop.customer(by_stream=True)
        await shop.customer()
        await mid_stream(shop)
        *awake, asleep = shop.tabs
        asleep.client.sleep()
        asleep.cable.cut()
        opened = [tab.client.opened for tab in shop.tabs]
        await stopping(shop)
        late = [speaker.say() for speaker in shop.speakers[:2]]
        for speaker in shop.speakers[:2]:
            await until(speaker, lambda client: not client.outbox)
        shop.model.may_end.set()
        assert await shop.program.ended(SOON) == 0, shop.program.log
        for tab in awake:
            await until(tab.client, lambda client: not client.is_online)
            assert tab.client.uids("bot") == tab.client.visitor.said[:-1]
        # Who comes back before it is gone is sent away in the same way; the third has no socket.
        assert [set(tab.client.closed_with) for tab in awake] == [{1012}, {1012}, set()]
        assert [tab.client.opened for tab in shop.tabs] == opened  # all this was seen on the old lines
        asleep.cable.heal()
        asleep.client.wake()
        await shop.program.start()
        await shop.settle()
        assert [speaker.uids("bot")[2] for speaker in shop.speakers[:2]] == late


@pytest.mark.parametrize(("first", "second"), SIGNALS)
async def test_a_second_signal_ends_it_at_once(
    tmp_path: Path, sqlite: str, first: signal.Signals, second: signal.Signals
) -> None:
    async with floor(tmp_path, sqlite) as shop:
        await shop.customer(tabs=2)
        await mid_stream(shop)
        await stopping(shop, first)
        shop.program.send(second)
        assert await shop.program.ended(SOON) == 128 + second
        shop.model.may_end.set()
        await shop.program.start()
        await shop.settle()


@pytest.mark.skipif(TIER == "test", reason="it waits for 25 s: `make ci` does")
async def test_a_turn_that_does_not_end_is_left_to_the_next_start(tmp_path: Path, postgres: str) -> None:
    """And is taken up there at once: its lease was given back."""
    async with floor(tmp_path, postgres) as shop:
        await shop.customer(tabs=2)
        await mid_stream(shop)
        await stopping(shop)
        assert await shop.program.ended(PATIENCE + SOON) == 0, shop.program.log
        shop.model.may_end.set()
        await shop.program.start()
        speaker = shop.speakers[0]
        await speaker.until(lambda: speaker.is_settled, SOON)
        await shop.settle()
