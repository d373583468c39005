"""A chat of the team as console: a thread for each conversation, notes by default, and buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import channels
from bot.errors import SettingsError, TryLater
from bot.flow.read import read
from bot.model import AgentId, Edited, Noted, Pressed, text
from bot.ports import Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.units import Agent, Latest, Log, PutAgent
from config.doors import Account
from config.settings import DeskFile, Settings, StaffSection
from config.wiring import Parts, running
from tests import pigeon
from tests.bot.flow.script import project

BOOK = """
flow: book
about: Books it.
examples: [book it]
slots: {order: {type: order_id}}
steps:
  - {ask: order, say: "Which order?"}
  - {say: "Done."}
"""
TEAM = "team"
ROOM = StaffSection(account="loft", chat=TEAM, people={"m": "mara@desk.example", "o": "otto@desk.example"})


@pytest.fixture(autouse=True)
def loft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.BUILT_IN, "pigeon", "tests.pigeon")


@asynccontextmanager
async def desk(
    tmp_path: Path, clock: SettableClock, *rooms: StaffSection, store: Store | None = None
) -> AsyncIterator[tuple[pigeon.Pigeon, Parts]]:
    flows = project(tmp_path, BOOK)
    accounts = Account(
        name="loft",
        channel="pigeon",
        flows=flows,
        team="",
        settings=pigeon.Settings(token="x"),  # type: ignore[arg-type]
    )
    async with running(
        Settings(data=tmp_path, config=tmp_path / "frontdesk.yaml", secret_key="k" * 32),  # type: ignore[arg-type]
        DeskFile(flows=flows, quiet_ms=0, staff=rooms or (ROOM,)),
        read(flows),
        store=store or open_store("sqlite://", clock),
        clock=clock,
        random=SeededRandom(1),
        accounts=(accounts,),
    ) as parts:
        for id, name in (("a1", "Mara"), ("a2", "Otto")):
            at = clock.now()
            email = f"{name.lower()}@desk.example"
            agent = Agent(
                id=AgentId(id), email=email, name=name, role="agent", password="-", disabled=False, created_at=at
            )
            await parts.store.write(PutAgent(agent))
        await clock.advance(0)
        yield pigeon.BUILT["loft"], parts


async def a_human_is_wanted(bird: pigeon.Pigeon, clock: SettableClock) -> None:
    await bird.hear("book it")
    await clock.advance(2)
    await bird.hear("I want to talk to a human")
    await clock.advance(2)


def in_thread(bird: pigeon.Pigeon, thread: str = "1") -> str:
    return "\n".join(sent.text for sent in bird.sent if sent.to.chat == TEAM and sent.to.thread == thread)


async def test_a_request_opens_a_thread_with_what_was_said_before(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await bird.hear("book it")
        await clock.advance(2)
        assert bird.threads == []
        await bird.hear("I want to talk to a human")
        await clock.advance(2)
        assert len(bird.threads) == 1
        told = in_thread(bird)
        assert told.index("book it") < told.index("Which order?") < told.index("I want to talk to a human")


async def test_a_line_is_a_note_and_one_with_a_mark_takes_over_and_is_sent(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        await bird.hear("she has called before", TEAM, thread="1", by="m")
        await clock.advance(2)
        before = list(bird.seen())
        assert "she has called before" not in "".join(before)
        await bird.hear("!Hello, Mara here.", TEAM, thread="1", by="m")
        await clock.advance(2)
        assert bird.seen()[-1] == "Hello, Mara here."
        await bird.hear("at last", "ana")
        await clock.advance(2)
        assert "Customer: at last" in in_thread(bird)
        assert bird.seen()[-1] == "Hello, Mara here."  # the bot is silent
        told = in_thread(bird)
        assert told.count("she has called before") == 0  # it stands there already
        assert "Mara: Hello" not in told
        found = await parts.store.read(Latest(channel="pigeon", account="loft", chat="ana"))
        assert found is not None
        assert found.control.holder_name == "Mara"
        notes = [e.body.text for e in await parts.store.read(Log(conversation=found.id)) if isinstance(e.body, Noted)]
        assert notes == ["she has called before"]


async def test_buttons_take_over_hand_back_and_resolve(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        await bird.press("Take over", TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "Mara has it" in in_thread(bird)
        await bird.press("Hand back", TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "Which order?" in bird.seen()[-1]
        await bird.hear("human please")
        await clock.advance(2)
        assert len(bird.threads) == 1  # the same conversation, the same thread
        await bird.press("Resolve", TEAM, thread="1", by="o")
        await clock.advance(2)
        assert "resolved" in in_thread(bird).splitlines()[-1]


async def test_a_button_of_an_earlier_state_does_nothing_and_says_so(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        old = next(o.token for sent in bird.sent for o in sent.options if o.label == "Take over")
        await bird.press("Take over", TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear(Pressed(old, "Take over"), TEAM, thread="1", by="o")
        await clock.advance(2)
        assert "button is of an earlier state" in in_thread(bird)
        assert "Otto has it" not in in_thread(bird)


async def test_who_is_not_known_does_nothing_and_hears_why(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        said = bird.seen()
        await bird.hear("!Buy now", TEAM, thread="1", by="stranger")
        await clock.advance(2)
        assert bird.seen() == said
        assert "adds 'stranger' with the" in in_thread(bird)


async def test_a_colleague_who_has_it_is_named(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        await bird.hear("!Mara here.", TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear("!And Otto.", TEAM, thread="1", by="o")
        await clock.advance(2)
        assert "Mara has this conversation" in in_thread(bird)
        assert "And Otto." not in bird.seen()


async def test_what_is_said_in_the_room_never_becomes_a_conversation(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await bird.hear("book it", TEAM, by="m")
        await bird.hear("book it", TEAM, thread="9", by="m")
        await clock.advance(2)
        assert bird.sent == []
        assert await parts.store.read(Latest(channel="pigeon", account="loft", chat=TEAM)) is None


async def test_an_event_that_comes_twice_is_one_note(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        for _ in range(2):
            bird.keys = 100
            await bird.hear("only once", TEAM, thread="1", by="m")
        await bird.hear(Edited(text("only one"), "x"), TEAM, thread="1", by="m")
        found = await parts.store.read(Latest(channel="pigeon", account="loft", chat="ana"))
        assert found is not None
        notes = [e.body.text for e in await parts.store.read(Log(conversation=found.id)) if isinstance(e.body, Noted)]
        assert notes == ["only once", "Corrected: only one"]


async def test_what_could_not_be_told_is_told_later_in_order(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        bird.refusals = [TryLater("busy")]
        await bird.hear("one")
        await bird.hear("two")
        await clock.advance(30)
        told = in_thread(bird)
        assert told.index("Customer: one") < told.index("Customer: two")


async def test_alerts_only_tells_that_a_human_is_wanted_and_nothing_of_what_is_said(tmp_path: Path) -> None:
    clock = SettableClock()
    quiet = StaffSection(account="loft", chat=TEAM, people=ROOM.people, alerts_only=True)
    async with desk(tmp_path, clock, quiet) as (bird, _):
        await a_human_is_wanted(bird, clock)
        told = in_thread(bird)
        assert "waits" in told
        assert "Which order?" not in told
        await bird.hear("!Hello", TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "Hello" not in bird.seen()


async def test_a_room_of_an_unknown_account_is_refused(tmp_path: Path) -> None:
    nowhere = StaffSection(account="nest", chat=TEAM)
    with pytest.raises(SettingsError, match="no account 'nest' among loft"):
        async with desk(tmp_path, SettableClock(), nowhere):
            pass


async def test_a_second_room_of_one_account_is_refused(tmp_path: Path) -> None:
    other = StaffSection(account="loft", chat="other")
    with pytest.raises(SettingsError, match="'loft' has two rooms"):
        async with desk(tmp_path, SettableClock(), ROOM, other):
            pass
