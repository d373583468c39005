"""A chat of the team as console: a thread for each conversation, notes by default, and buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

import channels
from bot.errors import Forbidden, SettingsError, TryLater
from bot.flow.read import read
from bot.model import Address, AgentId, Body, Closed, Deleted, Edited, Noted, Pressed, Said, Settled, text
from bot.ports import Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.units import Agent, Find, FindAgent, Latest, Log, PutAgent
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


# What stands in the thread changes


async def log(parts: Parts, *kinds: type[Body]) -> list[Body]:
    found = await parts.store.read(Find(address=Address("pigeon", "loft", "ana")))
    assert found is not None
    events = await parts.store.read(Log(conversation=found.conversation.id))
    return [event.body for event in events if isinstance(event.body, kinds)]


async def test_who_edits_a_line_that_was_sent_edits_it_for_the_customer(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        await bird.hear(Said(text("!It cots 5."), "l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear(Edited(text("!It costs 5."), "l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert bird.seen()[-1] == "It costs 5."
        assert "It cots 5." not in bird.seen()
        assert "It costs 5." not in in_thread(bird)  # it stands there already


async def test_where_it_cannot_be_edited_the_customer_gets_a_correction(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        bird.can = replace(bird.can, can=frozenset())
        await a_human_is_wanted(bird, clock)
        await bird.hear(Said(text("!It cots 5."), "l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear(Edited(text("It costs 5."), "l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert bird.seen()[-2:] == ["It cots 5.", "Correction: It costs 5."]
        await bird.hear(Deleted("l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "It cots 5." in bird.seen()
        assert "cannot be taken back there" in in_thread(bird)


async def test_who_deletes_a_line_takes_it_back_from_the_customer_and_a_note_from_nobody(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        for line, ref in (("!Wrong customer", "l1"), ("a note", "l2")):
            await bird.hear(Said(text(line), ref), TEAM, thread="1", by="m")
            await clock.advance(2)
        assert "Wrong customer" in bird.seen()
        for ref in ("l1", "l2", "never heard of"):
            await bird.hear(Deleted(ref), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "Wrong customer" not in bird.seen()
        assert await log(parts, Noted) == [Noted("a note"), Noted("Taken back: a note")]


async def test_a_note_never_becomes_a_message(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        await bird.hear(Said(text("she is rude"), "l1"), TEAM, thread="1", by="m")
        seen = bird.seen()
        await bird.hear(Edited(text("!she is rude"), "l1"), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert bird.seen() == seen
        assert await log(parts, Noted) == [Noted("she is rude")]
        assert "a note stays a note" in in_thread(bird)


async def test_what_is_changed_in_the_console_is_told_in_the_thread(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        found = await parts.store.read(Latest(channel="pigeon", account="loft", chat="ana"))
        mara = await parts.store.read(FindAgent(email="mara@desk.example"))
        assert found is not None
        assert mara is not None
        epoch = found.control.epoch
        done = await parts.desk.reply(found.id, mara, "It cots 5.", seen=found.last_seq, epoch=epoch, claim=True)
        seq = done.events[-1].seq
        await parts.desk.revise(found.id, mara, seq, "It costs 5.")
        await parts.desk.withdraw(found.id, mara, seq)
        await clock.advance(2)
        assert in_thread(bird).splitlines()[-3:] == [
            "Mara: It cots 5.",
            "Mara (edited): It costs 5.",
            "— Mara took a message back",
        ]


# Threads end


async def test_closing_the_thread_resolves_and_a_new_request_gets_a_new_thread(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        await bird.hear("!Hello, Mara here.", TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear(Closed(), TEAM, thread="1", by="m")
        await clock.advance(2)
        assert await log(parts, Settled) == [Settled("resolved")]
        before = in_thread(bird)
        await bird.hear("book it")
        await bird.hear("a human please")
        await clock.advance(2)
        assert in_thread(bird) == before
        assert "Customer: a human please" in in_thread(bird, "2")
        await bird.hear("!Is this heard?", TEAM, thread="1", by="m")
        await clock.advance(2)
        assert "this thread is over" in in_thread(bird)
        assert "Is this heard?" not in bird.seen()


async def test_a_colleagues_conversation_is_not_closed_with_its_thread(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, parts):
        await a_human_is_wanted(bird, clock)
        await bird.hear("!Hello, Mara here.", TEAM, thread="1", by="m")
        await clock.advance(2)
        await bird.hear(Closed(), TEAM, thread="1", by="o")
        await clock.advance(2)
        assert await log(parts, Settled) == []
        assert "Mara has this conversation" in in_thread(bird)
        await bird.hear("still there?")
        await clock.advance(2)
        assert "Customer: still there?" in in_thread(bird)


async def test_a_thread_that_is_gone_loses_nothing(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await a_human_is_wanted(bird, clock)
        bird.refusals = [Forbidden("there is no such thread", scope="address")]
        await bird.hear("are you there?")
        await clock.advance(2)
        assert "are you there?" not in in_thread(bird)
        told = in_thread(bird, "2")
        assert told.index("I want to talk to a human") < told.index("are you there?")
        await bird.press("Take over", TEAM, thread="2", by="m")
        await clock.advance(2)
        assert "Mara has it" in in_thread(bird, "2")


# Its language


@pytest.mark.parametrize(
    ("language", "label", "line"),
    [
        ("de", "Übernehmen", "Zeilen hier sind Notizen"),
        ("fr", "Prendre en charge", "sont des notes"),
        ("es", "Tomar el control", "son notas"),
        ("pt", "Assumir", "são notas"),
        ("ar", "استلام", "ملاحظات"),
    ],
)
async def test_the_room_is_spoken_to_in_its_language(tmp_path: Path, language: str, label: str, line: str) -> None:
    clock = SettableClock()
    spoken = StaffSection(account="loft", chat=TEAM, people=ROOM.people, language=language)
    async with desk(tmp_path, clock, spoken) as (bird, _):
        await a_human_is_wanted(bird, clock)
        await bird.press(label, TEAM, thread="1", by="m")
        await clock.advance(2)
        told = in_thread(bird)
        assert line in told
        for english in ("Lines here", "waits", "has it", "asked"):
            assert english not in told


async def test_a_room_in_a_language_without_texts_is_refused(tmp_path: Path) -> None:
    german = StaffSection(account="loft", chat=TEAM, language="german")
    with pytest.raises(SettingsError, match="staff: there are no texts in 'german', but in ar, de"):
        async with desk(tmp_path, SettableClock(), german):
            pass


async def test_what_is_for_the_customers_eyes_alone_stays_out_of_the_room(tmp_path: Path) -> None:
    clock = SettableClock()
    async with desk(tmp_path, clock) as (bird, _):
        await bird.hear("/link")
        await clock.advance(2)
        await bird.hear("book it")
        await bird.hear("I want to talk to a human")
        await clock.advance(2)
        (code,) = [line for line in bird.seen() if "Your code is" in line]
        assert code not in in_thread(bird)
        assert "write to me directly" in in_thread(bird)
