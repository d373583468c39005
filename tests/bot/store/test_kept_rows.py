"""The rows that the writer keeps between transactions are what the file holds, whatever was written."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.model import BOT, Noted, Opened, Pressed, Returned, Said, Turned, text
from bot.store.rows import Row
from bot.store.sqlite import MemoryStore
from bot.store.statements import BY_ID
from bot.store.tx import SqliteTx
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import ANN, LEASE, OVER, Scene
from bot.units import Claimed, Entry, Kept, Release, Renew


class History:
    """Things that happen to three conversations, in an order of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = SettableClock()
        self.store = MemoryStore(self.clock)
        self.scene = Scene(self.store, self.clock, SeededRandom(seed))
        self.claims: list[Claimed] = []

    async def step(self) -> None:
        happens: list[Callable[[], Any]] = [self.say, self.say, self.commit, self.commit, self.claim, self.desk]
        await self.clock.advance(self.chance.choice([0, 1, 20]))
        await self.chance.choice([*happens, self.lease, self.deliver, self.fail])()

    async def say(self) -> None:
        lease = self.chance.choice([None, LEASE, OVER])
        unit = self.scene.accept("hello", chat=self.chance.choice("123"), lease=lease, name="Bo", language="da")
        self.remember(await self.store.write(replace(unit, bodies=self.chance.choice(_HEARD))))

    def remember(self, kept: Kept) -> None:
        if kept.claimed:
            self.claims.append(kept.claimed)

    async def claim(self) -> None:
        self.claims += await self.scene.claims(most=2, lease=self.chance.choice([LEASE, OVER]))

    async def commit(self) -> None:
        if not self.claims:
            return
        claimed = self.chance.choice(self.claims)
        if self.chance.random() < 0.2:
            epoch = claimed.conversation.control.epoch + 1
            control = replace_control(claimed, epoch)
            await self.store.write(self.scene.commit(claimed, "hi", control=control, deliver=True))
        else:
            turned = Entry(BOT, Turned("in_flow"), 0)
            await self.store.write(self.scene.commit(claimed, "hi", entries=[turned], deliver=True))

    async def desk(self) -> None:
        if not self.claims:
            return
        now = (await self.scene.found(self.chance.choice(self.claims).conversation.id)).conversation
        units = [
            self.scene.controls(now, self.chance.choice(["bot", "human", "queued", "paused"])),
            self.scene.replies(now, "from Ann", deliver=True),
            self.scene.amend(now.id, Entry(ANN, Noted("a note"), 0)),
            self.scene.amend(now.id, Entry(ANN, Returned("free", "Ann"), 0)),
            replace(self.scene.amend(now.id), status=self.chance.choice(["open", "resolved"])),
            replace(self.scene.amend(now.id), key="k", epoch=0),
        ]
        await self.store.write(self.chance.choice(units))

    async def lease(self) -> None:
        if not self.claims:
            return
        now = self.chance.choice(self.claims).conversation
        renew = Renew(conversation=now.id, fence=now.fence, lease=LEASE)
        release = Release(conversation=now.id, fence=now.fence, pause=timedelta(seconds=self.chance.choice([0, 5])))
        await self.store.write(self.chance.choice([renew, release]))

    async def deliver(self) -> None:
        for delivery in await self.scene.sends(most=2):
            await self.store.write(self.chance.choice([self.scene.sent(delivery), self.scene.failed(delivery)]))

    async def fail(self) -> None:
        """A unit that raises halfway, after it has changed the row."""
        if self.claims:
            now = self.chance.choice(self.claims).conversation
            with pytest.raises(ValueError, match="public"):
                await self.store.write(self.scene.amend(now.id, Entry(ANN, Noted("x"), 0, deliver=True)))


_HEARD = [
    (Said(text("hello")),),
    (Said(text("one")), Pressed("t", "two")),
    (Opened("start"),),
    (),
]


def replace_control(claimed: Claimed, epoch: int) -> Any:
    from msgspec.structs import replace as changed

    return changed(claimed.conversation.control, state="queued", epoch=epoch)


@pytest.mark.parametrize("seed", range(25))
async def test_kept_rows_are_those_of_the_file(seed: int) -> None:
    history = History(seed)
    tx = history.store.tx
    for _ in range(60):
        await history.step()
        assert {id: tx.kept[id] for id in tx.kept} == _stored(tx)


def _stored(tx: SqliteTx) -> dict[str, Row]:
    return {id: Row(*values) for id in tx.kept for values in tx.fetch(BY_ID, [(id,)])}


async def test_no_more_rows_are_kept_than_there_is_room_for() -> None:
    store = MemoryStore(SettableClock())
    store.tx.most_kept = 5
    scene = Scene(store, SettableClock(), SeededRandom())
    for chat in range(20):
        await scene.exchange("hello", chat=str(chat))
        assert len(store.tx.kept) <= 6
    assert (await scene.says("more", chat="0")).seq == 3
