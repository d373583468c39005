"""Telegram with the real program, killed while updates and answers are on their way. The sandbox judges: it is the
platform, and stands outside. Nothing is lost; nothing is answered twice but what a kill left unknown, and that is
counted."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.sandbox.server import serving
from channels.sandbox.telegram.sandbox import TelegramSandbox
from config.machine import SystemClock
from tests.faults import scale
from tests.faults.echo_model import echo_model
from tests.faults.journal import Journal, uids
from tests.faults.program import Program, free_port, program

pytestmark = pytest.mark.processes

PEOPLE = 8
KILLS = {"test": 2, "ci": 8, "nightly": 100}[scale.TIER]
BETWEEN = (1.5, 3.5)
"""Seconds from one kill to the next; starting takes most of them."""
PACE = 0.3
"""Seconds between two messages, whoever writes them."""
UNKNOWN = 3
"""Answers of unknown outcome per kill, at most: those in the air."""
NEAR = timedelta(seconds=5)
STUCK = 120.0


@dataclass
class Customers:
    sandbox: TelegramSandbox
    chance: random.Random
    said: list[str] = field(default_factory=list)

    async def talk(self) -> None:
        people = [int(each["id"]) for each in self.sandbox.seen()["people"]]
        while True:
            person = self.chance.choice(people)
            uid = f"u{person}n{len(self.said)}"
            self.said.append(uid)
            await self.sandbox.act("say", {"chat": str(person), "text": f"order {uid}"})
            await asyncio.sleep(PACE)

    def answers(self) -> list[tuple[datetime, str]]:
        """As accepted, oldest first: when, and what."""
        return [
            (entry.at, str(entry.data["text"]))
            for entry in self.sandbox.journal.entries
            if entry.kind == "call" and entry.name == "sendMessage"
        ]

    def unanswered(self) -> list[str]:
        answered = {uid for _, words in self.answers() for uid in uids(words)}
        return [uid for uid in self.said if uid not in answered]


@pytest.mark.timeout(KILLS * 60 + 300)
@pytest.mark.parametrize("how", ["polling", "webhook"])
async def test_killed_at_random_nothing_is_lost_and_nothing_answered_twice(tmp_path: Path, how: str) -> None:
    chance = random.Random(scale.SEED)
    clock, port = SystemClock(), free_port()
    sandbox = TelegramSandbox(clock, people=tuple(f"Person {n}" for n in range(PEOPLE)))
    public = f"    public: http://127.0.0.1:{port}\n" if how == "webhook" else ""
    kills: list[datetime] = []
    async with serving(sandbox) as api, echo_model(Journal(tmp_path / "asked.journal")) as model:
        accounts = f"  tg:\n    channel: telegram\n    api: {api}\n{public}"
        environment = {
            "OPENAI_BASE_URL": model.address,
            "FRONTDESK_TG_TOKEN": "42:TEST",
            "FRONTDESK_TG_SECRET": "s3cret",
        }
        async with program(tmp_path, accounts=accounts, port=port, **environment) as shop:
            customers = Customers(sandbox, chance)
            talking = asyncio.create_task(customers.talk())
            for _ in range(KILLS):
                await _work(customers, shop, chance.uniform(*BETWEEN))
                kills.append(clock.now())
                await _kill(shop)
            await _work(customers, shop, BETWEEN[0])
            talking.cancel()
            await _until(lambda: not customers.unanswered(), "every answer", shop)
    _judge(customers, kills)
    taken = [uid for entry in sandbox.journal.entries if entry.kind == "confirmed" for uid in entry.data["updates"]]
    assert len(taken) == len(set(taken)) == len(customers.said)


async def _work(customers: Customers, shop: Program, seconds: float) -> None:
    """Kills come while it works: something was answered since the last one."""
    before = len(customers.answers())
    await _until(lambda: len(customers.answers()) > before, "an answer", shop)
    await asyncio.sleep(seconds)


async def _until(happened: Callable[[], object], what: str, shop: Program) -> None:
    try:
        async with asyncio.timeout(STUCK):
            while not happened():  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never came: {what}\n{shop.log[-4000:]}") from None


async def _kill(shop: Program) -> None:
    assert await shop.end(signal.SIGKILL) == -signal.SIGKILL
    await shop.start()


def _judge(customers: Customers, kills: list[datetime]) -> None:
    answers = customers.answers()
    twice = [words for words, times in Counter(words for _, words in answers).items() if times > 1]
    for words in twice:
        first, *more = [at for at, each in answers if each == words]
        assert len(more) <= len(kills)
        near = [kill for kill in kills if first <= kill <= first + NEAR and kill < more[0]]
        assert near, f"sent twice, and no kill was near: {words!r} at {first} and {more}"
    told = Counter(uid for words in {words for _, words in answers} for uid in uids(words))
    assert [uid for uid, times in told.items() if times > 1] == [], "answered in two different messages"
    print(f"{len(twice)} unknown after {len(kills)} kills, {len(customers.said)} messages")
    assert len(twice) <= UNKNOWN * len(kills)
