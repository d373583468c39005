"""What goes wrong on purpose while people use the desk: each seed has a weather of its own, and it heals in the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import timedelta

from bot.errors import StoreDown
from tests.faults import journal
from tests.faults.simulation.house import LEASE, House, Worker
from tests.faults.simulation.loop import Gone
from tests.faults.simulation.outside import Weather

ODDS = {
    "slow": 0.03,
    "refused": 0.02,
    "cut": 0.02,
    "unanswered": 0.02,
    "send_lost": 0.05,
    "send_hangs": 0.02,
    "send_refused": 0.05,
    "send_later": 0.08,
    "blocked": 0.01,
    "model_down": 0.02,
    "action_fails": 0.1,
    "action_lost": 0.15,
}

STEPS = (timedelta(seconds=1), timedelta(hours=1), timedelta(days=1))

PATIENCE = 5.0
"""Seconds after which who publishes gives up."""

LASTS = 60.0
"""Seconds of trouble."""


def weather(seed: int) -> Weather:
    """About half of what can go wrong does: some faults hide others."""
    chance = random.Random(f"weather {seed}")
    return Weather(**{name: odds * chance.uniform(0, 2) for name, odds in ODDS.items() if chance.random() < 0.5})


class Trouble:
    def __init__(self, house: House) -> None:
        self.house = house
        self.chance = random.Random(f"trouble {house.seed}")
        kinds: list[Callable[[Worker], float]] = [self.kill, self.hold, self.close_store, self.set_clock, self.restart]
        self.kinds = [kind for kind in kinds if self.chance.random() < 0.6]
        self.every = self.chance.uniform(1, 6)
        self.is_over = False

    async def live(self) -> None:
        while self.kinds and self.house.loop.time() < LASTS:
            await asyncio.sleep(self.chance.expovariate(1 / self.every))
            kind, worker = self.chance.choice(self.kinds), self.chance.choice(self.house.workers)
            await asyncio.sleep(kind(worker))

    async def deploy(self) -> None:
        """The other edition, again and again, on all that run; who cannot take it begins its next life with it."""
        chance = random.Random(f"deploy {self.house.seed}")
        while not self.is_over:
            await asyncio.sleep(chance.uniform(1, 8))
            before, after = self.house.editions
            self.house.book = after if self.house.book is before else before
            self.house.outside.note(journal.Fault, name="deploy", phase="start")
            await asyncio.gather(*map(self._publish, self.house.workers))
            self.house.outside.note(journal.Fault, name="deploy", phase="end")

    def end(self) -> None:
        self.is_over = True
        self.kinds.clear()

    def kill(self, worker: Worker) -> float:
        """At one of its next steps."""
        if worker.life:
            worker.life.ends_at = worker.life.steps + self.chance.randint(1, 60)
        return 0

    def hold(self, worker: Worker) -> float:
        if worker.life:
            seconds = self.chance.choice((1.1, 1.1, 2, 2, 5, 35)) * LEASE.total_seconds()
            worker.life.still_until = self.house.loop.time() + seconds
            self._goes_on("stop", worker.life.name, seconds)
        return 0

    def close_store(self, worker: Worker) -> float:
        seconds = self.chance.uniform(0.5, 5)
        self.house.outside.down_until = self.house.loop.time() + seconds
        self._goes_on("store_down", "", seconds)
        return seconds

    def set_clock(self, worker: Worker) -> float:
        clock = self.chance.choice((worker.clock, self.house.clock))
        clock.off += self.chance.choice((1, -1)) * self.chance.choice(STEPS)
        self._goes_on("clock", f"{worker.name} {clock.off}", 0)
        return 0

    def restart(self, worker: Worker) -> float:
        self.house.begin(worker.stop())
        return 0

    async def _publish(self, worker: Worker) -> None:
        with contextlib.suppress(Gone, StoreDown, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await worker.ask(lambda parts: parts.shelf.publish(self.house.book))

    def _goes_on(self, name: str, target: str, seconds: float) -> None:
        note = self.house.outside.note

        async def goes_on() -> None:
            note(journal.Fault, name=name, phase="start", target=target)
            await asyncio.sleep(seconds)
            note(journal.Fault, name=name, phase="end", target=target)

        self.house.begin(goes_on())
