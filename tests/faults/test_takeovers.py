"""F14: agents take over in the middle of the bot's turn, speak at once, hand back; two want the same conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import scale
from tests.faults.driver import Driver, driving

pytestmark = pytest.mark.processes

AT_ONCE = 10
"""Races, each in a conversation of its own."""


@pytest.mark.timeout(scale.RACES * 5 + 60)
async def test_the_bot_is_silent_from_the_takeover_on(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        races = iter(range(scale.RACES))

        async def race_on(chats: Sequence[str]) -> None:
            for _ in races:
                await _race(driver, driver.chance.choice(chats))

        names = [str(number) for number in range(1, scale.CHATS + 1)]
        await asyncio.gather(*(race_on(names[start::AT_ONCE]) for start in range(AT_ONCE)))
        seen = await driver.judge()
        assert seen.accepted == 2 * scale.RACES, driver.tell(f"{seen}")


async def _race(driver: Driver, chat: str) -> None:
    """The customer writes; an agent, or two, come into the bot's turn at any moment of it; then the bot goes on."""
    outside, chance = driver.outside, driver.chance
    await outside.deliver(outside.writes(chat, chance.choice(("boots", "book boots"))))
    view = await outside.look(chat)
    await asyncio.sleep(chance.uniform(0, 0.2))
    rivals = ("Ada", "Bob") if chance.random() < 0.3 else ("Ada",)
    claims = (outside.command(rival, "claim", chat, at=view, speaks=chance.random() < 0.3) for rival in rivals)
    wanted = await asyncio.gather(*claims)
    winners = [(rival, done.standing) for rival, done in zip(rivals, wanted, strict=True) if done.standing]
    assert len(winners) == 1, driver.tell(f"chat {chat}: {[done.status for done in wanted]} for {rivals}")
    ((winner, held),) = winners
    said = await outside.command(winner, "send", chat, at=held)
    assert said.status == 200, driver.tell(f"chat {chat}: the holder's words were answered {said.status}")
    await outside.deliver(outside.writes(chat, "please"))
    await asyncio.sleep(chance.uniform(0, 0.1))
    back = await outside.command(winner, "hand_back", chat, at=held)
    assert back.status == 200, driver.tell(f"chat {chat}: handing back was answered {back.status}")
