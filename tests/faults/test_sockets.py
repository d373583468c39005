"""Widgets on bad lines, with the real program and real sockets: whatever breaks, each bubble is there once."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.faults.floor import floor, until
from tests.faults.scale import SOCKETS, TIER

pytestmark = pytest.mark.processes

TERM, KILL = signal.SIGTERM, signal.SIGKILL
RESTARTS = {"test": (KILL,), "ci": (TERM, KILL), "nightly": (TERM, KILL) * 50}[TIER]


async def test_lines_that_break_lose_and_double_nothing(tmp_path: Path, database: str) -> None:
    async with floor(tmp_path, database) as shop:
        await shop.customer()
        await shop.customer(tabs=2)
        await shop.customer(by_stream=True)
        await shop.customer()
        async with shop.talking(), asyncio.TaskGroup() as breaking:
            for tab in shop.tabs:
                breaking.create_task(shop.drop_often(tab, SOCKETS // len(shop.tabs)))
        await shop.settle()
        assert sum(tab.client.drafts_resumed for tab in shop.tabs) > 0  # some broke in the middle of an answer


async def test_a_restart_in_the_middle_of_answers_loses_and_doubles_nothing(tmp_path: Path, sqlite: str) -> None:
    async with floor(tmp_path, sqlite) as shop:
        await shop.customer(tabs=2)
        await shop.customer(by_stream=True)
        async with shop.talking():
            for number in RESTARTS:
                await until(shop.speakers[0], lambda client: client.draft is not None)
                await shop.restart(number)
        await shop.settle()


@pytest.mark.skipif(TIER == "test", reason="it waits for a lease to run out: `make ci` does")
async def test_a_kill_on_postgres_costs_a_lease_and_nothing_else(tmp_path: Path, postgres: str) -> None:
    async with floor(tmp_path, postgres) as shop:
        await shop.customer(tabs=2)
        await shop.customer(by_stream=True)
        async with shop.talking():
            await until(shop.speakers[0], lambda client: client.draft is not None)
            await shop.restart(KILL)
        await shop.settle()
