"""What waits, for whoever watches: counted, and since when."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.testing.clock import START
from bot.testing.store import Scene
from bot.units import Backlog, BacklogFound, KeepDead, Release

NOTHING = BacklogFound(
    unheard=0,
    unheard_since=None,
    waiting=0,
    waiting_since=None,
    unsent=0,
    unsent_since=None,
    dead=0,
    unreadable=0,
)


async def test_nothing_waits_where_all_is_answered(scene: Scene) -> None:
    assert await scene.store.read(Backlog()) == NOTHING
    await scene.exchange("hello")
    assert await scene.store.read(Backlog()) == NOTHING


async def test_what_is_unheard_waits_since_its_first_words_however_often_a_turn_failed(scene: Scene) -> None:
    await scene.exchange("heard long ago", chat="1")
    await scene.clock.advance(60)
    for chat in ("1", "2"):
        await scene.says("first", chat=chat)
        await scene.clock.advance(60)
        await scene.says("second", chat=chat)
    for claimed in await scene.claims():
        ours = claimed.conversation
        await scene.store.write(Release(conversation=ours.id, fence=ours.fence, pause=timedelta(seconds=30)))
    assert await scene.store.read(Backlog()) == replace(NOTHING, unheard=2, unheard_since=START + timedelta(seconds=60))


async def test_a_paused_conversation_is_nobody_s_backlog(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.amends(scene.controls(now, "paused"))
    await scene.says("anybody?")
    assert await scene.store.read(Backlog()) == NOTHING


async def test_who_waits_for_a_human_waits_since_asking(scene: Scene) -> None:
    for chat in ("1", "2"):
        await scene.clock.advance(60)
        await scene.asks_for_a_human(await scene.asks("a human", chat=chat))
    assert await scene.store.read(Backlog()) == replace(NOTHING, waiting=2, waiting_since=START + timedelta(seconds=60))


async def test_a_delivery_waits_until_it_has_ended(scene: Scene) -> None:
    await scene.exchange("one", "two", "three", deliver=True)
    waits = replace(NOTHING, unsent=3, unsent_since=START)
    assert await scene.store.read(Backlog()) == waits
    await scene.clock.advance(60)
    (first,) = await scene.sends()
    assert await scene.store.read(Backlog()) == waits
    await scene.store.write(scene.sent(first))
    (second,) = await scene.sends()
    await scene.store.write(replace(scene.failed(second), state="dead", due_at=None))
    assert await scene.store.read(Backlog()) == replace(waits, unsent=1, dead=1)


async def test_what_could_not_be_read_is_counted(scene: Scene) -> None:
    kept = KeepDead(channel="web", account="shop", key="k", why="no JSON", raw=b"{", at=scene.clock.now())
    await scene.store.write(kept)
    assert await scene.store.read(Backlog()) == replace(NOTHING, unreadable=1)


async def test_nothing_is_counted_beyond_a_thousand(scene: Scene) -> None:
    for number in range(1001):
        await scene.store.write(
            KeepDead(channel="web", account="shop", key=str(number), why="no JSON", raw=b"", at=scene.clock.now())
        )
    assert (await scene.store.read(Backlog())).unreadable == 1000
