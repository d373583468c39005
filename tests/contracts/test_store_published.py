"""Versions of flows as they were published, and who stands in them."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from bot.model import ConversationId, Frame, State
from bot.testing.store import Scene
from bot.units import Publication, Publish, Published, PublishedFlow, Standing


def version(flow: str, version: str, words: bytes = b'"words"') -> PublishedFlow:
    return PublishedFlow(flow=flow, version=version, structure=b"{}", source=words)


async def test_a_version_is_found_as_it_was_published(scene: Scene) -> None:
    issued = await scene.store.write(Publish(flows=(version("book", "1.a"),), at=scene.clock.now()))
    assert (issued.before, issued.at) == ((), scene.clock.now())
    found = await scene.store.read(Publication("book", "1.a"))
    assert found == replace(version("book", "1.a"), at=issued.at)
    assert await scene.store.read(Publication("book", "1.b")) is None


async def test_what_was_published_before_is_told_and_stays(scene: Scene) -> None:
    """In order, also when the clock stands still or goes back."""
    now = scene.clock.now()
    await scene.store.write(Publish(flows=(version("book", "1.b"), version("ask", "7.a")), at=now))
    second = await scene.store.write(Publish(flows=(version("book", "1.a"),), at=now - timedelta(days=1)))
    assert second.before == (("ask", "7.a"), ("book", "1.b"))
    assert second.at > now
    assert await scene.store.read(Published()) == (("ask", "7.a"), ("book", "1.a"))
    assert await scene.store.read(Publication("book", "1.b")) is not None


async def test_a_version_that_is_published_again_has_its_words_as_they_are_now(scene: Scene) -> None:
    now = scene.clock.now()
    await scene.store.write(Publish(flows=(version("book", "1.a"),), at=now))
    await scene.store.write(Publish(flows=(version("book", "1.b"),), at=now))
    await scene.store.write(Publish(flows=(version("book", "1.a", b'"better"'),), at=now))
    assert await scene.store.read(Published()) == (("book", "1.a"),)
    found = await scene.store.read(Publication("book", "1.a"))
    assert found is not None
    assert found.source == b'"better"'


async def test_processes_that_start_together_publish_together(scene: Scene) -> None:
    flows = tuple(version(f"flow_{n}", "1.a") for n in range(20))
    publish = [Publish(flows=order, at=scene.clock.now()) for order in (flows, flows[::-1]) * 4]
    await asyncio.gather(*map(scene.store.write, publish))
    assert await scene.store.read(Published()) == tuple(sorted((each.flow, "1.a") for each in flows))


async def test_everybody_who_is_not_done_is_met_once_page_by_page(scene: Scene) -> None:
    state = State((Frame(1, "book", "1.a"),), frames=1)
    conversations = []
    for chat in ("ann", "ben", "cleo", "dora"):
        claimed = await scene.asks("hello", chat=chat)
        await scene.store.write(replace(scene.commit(claimed), state=state))
        conversations.append(claimed.conversation.id)
    await scene.amends(replace(scene.amend(conversations.pop()), status="resolved"))
    found: list[tuple[ConversationId, State]] = []
    while page := await scene.store.read(Standing(after=found[-1][0], most=2) if found else Standing(most=2)):
        assert len(page) <= 2
        found += page
    assert found == [(id, state) for id in sorted(conversations)]


async def test_conversations_of_another_assistant_are_left_out_and_the_pages_go_on(scene: Scene) -> None:
    ids = []
    for chat, account in (("a", "other"), ("b", "other"), ("c", "shop"), ("d", "other"), ("e", "shop")):
        kept = await scene.store.write(scene.accept("hello", chat=chat, account=account))
        if account == "shop":
            ids.append(kept.conversation)
    besides = frozenset({("memory", "other")})
    first = await scene.store.read(Standing(most=1, besides=besides))
    second = await scene.store.read(Standing(after=first[-1][0], most=1, besides=besides))
    assert [id for id, _ in (*first, *second)] == ids
    assert await scene.store.read(Standing(after=second[-1][0], most=1, besides=besides)) == ()
