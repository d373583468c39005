"""A desk on Discord is killed in the middle of a burst, again and again; its sandbox is the outside checker."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.sandbox.discord.pace import GENEROUS
from channels.sandbox.discord.sandbox import DiscordSandbox
from channels.sandbox.server import serving
from config.machine import SystemClock
from tests.faults import scale
from tests.faults.discord_worker import Spec
from tests.faults.journal import uids

pytestmark = pytest.mark.processes

KILLS = {"test": 3, "ci": 12, "nightly": 150}[scale.TIER]
CHATS = 6
STUCK = 90.0


class Desk:
    """The process, which may be killed, and what people say meanwhile."""

    def __init__(self, sandbox: DiscordSandbox, base: str, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.said = list[str]()
        self._spec = Spec(str(folder), base, sandbox.rules.token)
        self._process: asyncio.subprocess.Process | None = None
        self._people = list[str]()
        self._n = 0

    async def open(self) -> None:
        arguments = ("-m", "tests.faults.discord_worker", msgspec.json.encode(self._spec).decode())
        with (self.folder / "worker.err").open("ab") as told:
            self._process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=told, stderr=told)
        await self.until(lambda: self.connected, "a connection")

    @property
    def connected(self) -> bool:
        return any(session.connection for session in self.sandbox.gateway.sessions.values())

    async def kill(self) -> None:
        assert self._process is not None
        assert self._process.returncode is None, f"it ended by itself: {self.folder / 'worker.err'}"
        self._process.kill()
        await self._process.wait()
        await self.until(lambda: not self.connected, "the end of its connection")

    async def meet(self) -> None:
        for number in range(CHATS):
            self._people.append((await self.sandbox.act("person", {"name": f"Person {number}"}))["person"])
            await self.say(number)

    async def say(self, chat: int) -> None:
        self._n += 1
        uid = f"u{chat}n{self._n}"
        self.said.append(uid)
        person = self.sandbox.world.people[int(self._people[chat])]
        place = self.sandbox.world.direct(person)
        about = "what of boots" if self._n % 3 == 0 else "please note"
        await self.sandbox.act("say", {"chat": str(place.id), "by": str(person.id), "text": f"{about} {uid}"})

    async def burst(self, chance: random.Random, messages: int) -> None:
        for _ in range(messages):
            await self.say(chance.randrange(CHATS))
            await asyncio.sleep(chance.uniform(0, 0.05))

    @property
    def answered(self) -> Counter[str]:
        """How often each uid stands in what people read from us."""
        found = Counter[str]()
        for place in self.sandbox.world.places.values():
            for line in place.said():
                if line.by is self.sandbox.world.bot:
                    found.update(set(uids(line.text)))
        return found

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + STUCK
        while not holds():
            assert loop.time() < end, f"never came: {what}; FAULTS_SEED={scale.SEED}, {self.folder}"
            await asyncio.sleep(0.05)


@asynccontextmanager
async def desk_on_discord(folder: Path) -> AsyncIterator[Desk]:
    sandbox = DiscordSandbox(SystemClock(), limits=GENEROUS, identify_every=timedelta(0))
    async with serving(sandbox) as base:
        desk = Desk(sandbox, base, folder)
        try:
            yield desk
        finally:
            if desk._process is not None and desk._process.returncode is None:
                desk._process.kill()
                await desk._process.wait()


@pytest.mark.timeout(KILLS * 30 + 180)
async def test_killed_in_a_burst_nothing_is_lost_and_nothing_answered_twice(tmp_path: Path) -> None:
    chance = random.Random(scale.SEED)
    async with desk_on_discord(tmp_path) as desk:
        await desk.open()
        await desk.meet()
        await desk.until(lambda: len(desk.answered) == CHATS, "the first answers")
        for number in range(KILLS):
            talking = asyncio.create_task(desk.burst(chance, 25))
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            await desk.kill()
            await talking
            if number in (0, KILLS // 2):  # this login cannot be resumed
                desk.sandbox.gateway.forget()
            await desk.open()
            if number % 3 == 2:  # a turn that is cut off time and again is taken for one that kills: people get it
                await desk.until(lambda: set(desk.said) <= set(desk.answered), "answers")
        await desk.until(lambda: set(desk.said) <= set(desk.answered), "the last answers")
        await asyncio.sleep(6)  # as long as an attempt that is still leased would need to come again

        journal = desk.sandbox.journal
        assert {uid: times for uid, times in desk.answered.items() if times != 1} == {}, tmp_path
        assert set(desk.answered) == set(desk.said)
        assert len(journal.calls("RESUME")) >= KILLS - 2 > 0
        assert len(journal.calls("IDENTIFY")) == 3
        assert [one for one in journal.entries if one.kind == "refused" and one.name == "create_message"] == []
