"""The desk: decisions as data, and the agents' calls through a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from bot import desk
from bot.desk import Change, Desk
from bot.errors import ControlMoved, NewerEvents, NotFound, Refusal
from bot.model import (
    BOT,
    SYSTEM,
    Address,
    Author,
    ContactId,
    Control,
    Controlled,
    Conversation,
    ConversationId,
    Frame,
    HandoffId,
    Noted,
    Returned,
    Said,
    Settled,
    Span,
    State,
    Text,
)
from bot.ports import Happened, News, Question, Store, Unit
from bot.store import open_store
from bot.testing.clock import START, SettableClock
from bot.units import Agent, Amended, Deliveries, Entry, Find, Lost, NewHandoff
from tests.bot.room import ADA, JO, KIM, Room, notices

T = TypeVar("T")
HANDOFF = NewHandoff(id=HandoffId("h1"), reason="asked", queue="", note="wants a refund")


def conversation(control: Control | None = None, status: str = "open") -> Conversation:
    return Conversation(
        id=ConversationId("c1"),
        contact=ContactId("p1"),
        address=Address("web", "shop", "ana"),
        control=control or Control(),
        status="resolved" if status == "resolved" else "open",
        language="es",
        created_at=START,
        updated_at=START,
    )


def held_by(who: Agent, epoch: int = 4) -> Control:
    return Control("human", epoch, who.id, who.name, START, "asked", "h1")


QUEUED = Control("queued", 3, since=START, reason="asked", handoff="h1")
PAUSED = Control("paused", 3)


# Decisions


def test_a_request_moves_control_says_so_and_ends_under_the_new_epoch() -> None:
    found = desk.request(conversation(), HANDOFF, at=START, notices=notices, deliver=True)

    control = Control("queued", 1, since=START, reason="asked", handoff="h1")
    assert found == Change(
        control,
        (
            Entry(BOT, Controlled(control, "bot", BOT, "asked"), 1, public=True),
            Entry(SYSTEM, Said(notices("handoff_asked", "es", {})), 1, public=True, deliver=True),
        ),
    )


@pytest.mark.parametrize("control", [QUEUED, Control("offered", 3, "jo"), held_by(JO), PAUSED], ids=lambda c: c.state)
def test_a_second_request_changes_nothing(control: Control) -> None:
    assert desk.request(conversation(control), HANDOFF, at=START, notices=notices, deliver=True) == Change(None, ())


def test_a_dropped_request_gives_the_bot_the_floor() -> None:
    found = desk.drop_request(conversation(QUEUED), at=START, notices=notices, deliver=False)

    control = Control("bot", 4, since=START)
    assert found == Change(
        control,
        (
            Entry(BOT, Controlled(control, "queued", BOT, "cancelled"), 4, public=True),
            Entry(SYSTEM, Said(notices("handoff_cancelled", "es", {})), 4, public=True),
        ),
    )


@pytest.mark.parametrize("control", [Control("bot", 2), held_by(JO)], ids=lambda c: c.state)
def test_there_is_no_request_to_drop(control: Control) -> None:
    assert desk.drop_request(conversation(control), at=START, notices=notices, deliver=False) == Change(None, ())


@pytest.mark.parametrize("was", [Control("bot", 3), QUEUED, Control("offered", 3, "kim")], ids=lambda c: c.state)
def test_an_agent_takes_over_and_the_customer_is_told_who(was: Control) -> None:
    control, entries = desk.take_over(conversation(was), JO, at=START, notices=notices, deliver=False)

    assert control == Control("human", 4, "jo", "Jo", START, was.reason, was.handoff)
    assert [entry.body for entry in entries] == [
        Controlled(control, was.state, Author("agent", "jo", "Jo"), "taken over"),
        Said(notices("handoff_joined", "es", {"name": "Jo"})),
    ]


def test_taking_over_what_one_holds_changes_nothing() -> None:
    held = conversation(held_by(JO))
    assert desk.take_over(held, JO, at=START, notices=notices, deliver=False) == Change(None, ())


@pytest.mark.parametrize(("was", "who"), [(held_by(KIM), JO), (PAUSED, JO), (PAUSED, ADA)])
def test_nobody_takes_over_from_a_colleague_or_in_a_pause(was: Control, who: Agent) -> None:
    with pytest.raises(ControlMoved) as refused:
        desk.take_over(conversation(was), who, at=START, notices=notices, deliver=False)
    assert refused.value.control == was


def test_an_admin_takes_over_from_a_colleague() -> None:
    control, _ = desk.take_over(conversation(held_by(KIM)), ADA, at=START, notices=notices, deliver=False)
    assert control
    assert (control.holder_name, control.epoch) == ("Ada", 5)


def test_a_closed_conversation_that_is_taken_over_is_open_again() -> None:
    _, entries = desk.take_over(
        conversation(Control("bot", 6), "resolved"), JO, at=START, notices=notices, deliver=False
    )
    assert entries[-1] == Entry(Author("agent", "jo", "Jo"), Settled("open", "taken over"), 7)


def test_a_hand_back_ends_with_the_marker_which_is_not_public() -> None:
    found = desk.hand_back(
        conversation(held_by(JO)), JO, "resume", "refund approved", at=START, notices=notices, deliver=True
    )

    control, jo = Control("bot", 5, since=START), Author("agent", "jo", "Jo")
    assert found == Change(
        control,
        (
            Entry(jo, Controlled(control, "human", jo, "handed back"), 5, public=True),
            Entry(SYSTEM, Said(notices("handoff_returned", "es", {})), 5, public=True, deliver=True),
            Entry(jo, Returned("resume", "Jo", "refund approved"), 5),
        ),
    )


def test_what_the_bot_has_cannot_be_handed_back_again() -> None:
    with_bot = conversation(Control("bot", 5))
    assert desk.hand_back(with_bot, JO, "free", "", at=START, notices=notices, deliver=True) == Change(None, ())


@pytest.mark.parametrize("was", [held_by(KIM), QUEUED, PAUSED], ids=lambda c: c.state)
def test_only_the_holder_hands_back(was: Control) -> None:
    with pytest.raises(ControlMoved):
        desk.hand_back(conversation(was), JO, "free", "", at=START, notices=notices, deliver=True)


@pytest.mark.parametrize("was", [Control("bot", 3), QUEUED, held_by(JO, 3)], ids=lambda c: c.state)
def test_resolving_closes_under_a_new_epoch(was: Control) -> None:
    control, entries = desk.resolve(conversation(was), JO, "refunded", at=START, notices=notices, deliver=False)

    assert control == Control("bot", 4, since=START)
    assert [entry.body for entry in entries] == [
        Controlled(control, was.state, Author("agent", "jo", "Jo"), "resolved"),
        Said(notices("resolved", "es", {})),
        Settled("resolved", "refunded"),
    ]


def test_resolving_twice_changes_nothing() -> None:
    closed = conversation(Control("bot", 4), "resolved")
    assert desk.resolve(closed, JO, "", at=START, notices=notices, deliver=False) == Change(None, ())


@pytest.mark.parametrize("was", [held_by(KIM), PAUSED], ids=lambda c: c.state)
def test_nobody_resolves_what_a_colleague_has(was: Control) -> None:
    with pytest.raises(ControlMoved):
        desk.resolve(conversation(was), JO, "", at=START, notices=notices, deliver=False)


# Calls


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    yield Room(store=store, clock=clock)
    await store.close()


async def test_taking_over_silences_a_turn_that_began_before(room: Room) -> None:
    id = await room.says("where is my parcel")
    turn = await room.claim(id)

    taken = await room.desk.take_over(id, JO, 0)

    assert taken.conversation.control == Control("human", 1, "jo", "Jo", room.clock.now())
    assert await room.commit(turn, "It is on its way.") == Lost("epoch", taken.conversation.control)


async def test_taking_over_cancels_what_the_bot_had_not_sent(room: Room) -> None:
    id = await room.says("where is my parcel")
    await room.answers(id, "Let me see.", "It is on its way.")

    await room.desk.take_over(id, JO, 0)

    states = [state for _, _, state, _ in await room.store.read(Deliveries(id))]
    assert states == ["cancelled", "cancelled", "waiting"]  # the last one is the notice


async def test_two_agents_take_over_at_once_and_one_wins(room: Room) -> None:
    id = await room.says("hello")

    first, second = await asyncio.gather(
        room.desk.take_over(id, JO, 0), room.desk.take_over(id, KIM, 0), return_exceptions=True
    )

    assert isinstance(first, Amended)
    assert isinstance(second, ControlMoved)
    assert second.control == first.conversation.control


async def test_a_call_from_an_old_screen_is_refused(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    await room.desk.hand_back(id, JO, 1)

    with pytest.raises(ControlMoved) as refused:
        await room.desk.take_over(id, KIM, 1)
    assert refused.value.control.epoch == 2


async def test_a_change_between_reading_and_writing_is_noticed(room: Room) -> None:
    id = await room.says("hello")

    class Slow:
        """Jo is faster than what was read through this store."""

        async def read(self, question: Question[T], /) -> T:
            found = await room.store.read(question)
            await room.desk.take_over(id, JO, 0)
            return found

        async def write(self, unit: Unit[T], /) -> T:
            return await room.store.write(unit)

        async def close(self) -> None: ...

    slow = Desk(Slow(), room.bus, room.clock, lambda _: notices, delivers=frozenset(), wake=lambda _: None)
    with pytest.raises(ControlMoved):
        await slow.take_over(id, KIM, 1)
    with pytest.raises(ControlMoved):
        await slow.take_over(id, KIM, 0)
    assert (await room.row(id)).control.holder == "jo"


async def test_a_conversation_that_is_not_there_is_not_found(room: Room) -> None:
    with pytest.raises(NotFound):
        await room.desk.take_over(ConversationId("0" * 32), JO, 0)


async def test_a_reply_is_markup_in_the_log_and_goes_out(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)

    done = await room.desk.reply(id, JO, " **Hi**\x00 Ana ", seen=3, epoch=1)

    (said,) = done.events
    assert isinstance(said.body, Said)
    assert said.body.message.parts == (Text((Span("Hi", ("bold",)), Span(" Ana"))),)
    assert (said.author, said.epoch, said.public) == (Author("agent", "jo", "Jo"), 1, True)
    assert said.seq in [seq for _, seq, _, _ in await room.store.read(Deliveries(id))]


async def test_a_reader_of_the_log_gets_no_delivery(room: Room) -> None:
    id = await room.says("hello", channel="web")
    await room.desk.reply(id, JO, "hi", seen=1, epoch=0, claim=True)
    assert await room.store.read(Deliveries(id)) == ()


@pytest.mark.parametrize("words", ["", "  \n ", "\x00\x01"])
async def test_there_must_be_something_to_say(room: Room, words: str) -> None:
    id = await room.says("hello")
    with pytest.raises(Refusal):
        await room.desk.reply(id, JO, words, seen=1, epoch=0, claim=True)
    with pytest.raises(Refusal):
        await room.desk.note(id, JO, words)


async def test_nobody_speaks_over_the_bot_unasked(room: Room) -> None:
    id = await room.says("hello")
    before = await room.log(id)

    with pytest.raises(ControlMoved) as refused:
        await room.desk.reply(id, JO, "hi", seen=1, epoch=0)

    assert refused.value.control == Control()
    assert await room.log(id) == before


async def test_a_claim_takes_over_and_speaks_in_one_unit(room: Room) -> None:
    id = await room.says("hello")

    done = await room.desk.reply(id, JO, "hi", seen=1, epoch=0, claim=True)

    assert [type(event.body) for event in done.events] == [Controlled, Said, Said]
    assert {event.epoch for event in done.events} == {1}
    assert done.conversation.control.holder == "jo"


@pytest.mark.parametrize("claim", [False, True])
async def test_only_the_holder_speaks(room: Room, claim: bool) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    with pytest.raises(ControlMoved) as refused:
        await room.desk.reply(id, KIM, "hi", seen=3, epoch=1, claim=claim)
    assert refused.value.control.holder_name == "Jo"


async def test_what_was_not_on_the_screen_is_told_exactly(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    seen = (await room.row(id)).last_seq
    await room.says("one more thing")
    await room.says("and another")

    with pytest.raises(NewerEvents) as newer:
        await room.desk.reply(id, JO, "bye", seen=seen, epoch=1)

    assert newer.value.events == await room.log(id, after=seen)
    sent = await room.desk.reply(id, JO, "bye", seen=newer.value.events[-1].seq, epoch=1)
    assert [type(event.body) for event in sent.events] == [Said]


async def test_ones_own_words_are_no_news(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    await room.desk.reply(id, JO, "one", seen=1, epoch=1)
    await room.desk.reply(id, JO, "two", seen=1, epoch=1)


async def test_a_note_is_private_in_every_state(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.note(id, KIM, "with the bot")
    await room.desk.take_over(id, JO, 0)
    await room.desk.note(id, KIM, "with Jo")
    await room.desk.resolve(id, JO, 1)
    await room.desk.note(id, KIM, "after all")

    notes = [event for event in await room.log(id) if isinstance(event.body, Noted)]
    assert len(notes) == 3
    assert not any(note.public for note in notes)
    assert {note.seq for note in notes}.isdisjoint(seq for _, seq, _, _ in await room.store.read(Deliveries(id)))


async def test_handing_back_is_an_input_and_wakes_the_engine(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    await room.answers(id)

    done = await room.desk.hand_back(id, JO, 1, how="free", instruction="tell her three days")

    assert room.woken == [id]
    assert done.conversation.control == Control("bot", 2, since=room.clock.now())
    assert done.events[-1].body == Returned("free", "Jo", "tell her three days")
    assert done.conversation.input_seq == done.events[-1].seq


async def test_a_verdict_goes_with_the_hand_back_and_resumes(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    done = await room.desk.hand_back(id, JO, 1, how="free", verdict="approve")
    assert done.events[-1].body == Returned("resume", "Jo", "", "approve")


async def test_a_hand_back_may_name_the_step_to_go_on_at(room: Room) -> None:
    id = await room.says("hello")
    asking = State((Frame(3, "order", "1", asking="size"),), frames=3)
    await room.commit(replace(await room.claim(id), state=asking))
    await room.desk.take_over(id, JO, 0)
    with pytest.raises(Refusal, match="no flow in progress has a step 'ask_colour'"):
        await room.desk.hand_back(id, JO, 1, how="step", step="ask_colour")
    with pytest.raises(Refusal, match="no flow in progress has a step ''"):
        await room.desk.hand_back(id, JO, 1, how="step")
    with pytest.raises(Refusal, match="a hand back as 'resume' takes no step"):
        await room.desk.hand_back(id, JO, 1, step="ask_size")
    with pytest.raises(ControlMoved):
        await room.desk.hand_back(id, JO, 0, how="step", step="ask_colour")

    done = await room.desk.hand_back(id, JO, 1, how="step", step="ask_size")

    assert done.events[-1].body == Returned("step", "Jo", step="ask_size")
    assert (await room.desk.hand_back(id, JO, 2, how="step", step="ask_colour")).again


async def test_handing_back_twice_is_one_hand_back(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.take_over(id, JO, 0)
    await room.desk.hand_back(id, JO, 1)
    before = await room.log(id)

    again = await room.desk.hand_back(id, JO, 1)

    assert (again.again, again.events) == (True, ())
    assert await room.log(id) == before


async def test_resolving_closes_and_forgets_the_flows(room: Room) -> None:
    id = await room.says("hello")
    asking = State((Frame(3, "order", "1", asking="size"),), {"city": "Lyon"}, frames=3, language="es")
    await room.commit(replace(await room.claim(id), state=asking))
    await room.desk.take_over(id, JO, 0)

    done = await room.desk.resolve(id, JO, 1, reason="refunded")

    assert (done.conversation.status, done.conversation.control.state) == ("resolved", "bot")
    found = await room.store.read(Find(id))
    assert found
    assert found.state == State((), {"city": "Lyon"}, frames=3, language="es")


async def test_a_customer_who_writes_again_is_open_and_with_the_bot(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.resolve(id, JO, 0)
    await room.says("one more thing")
    now = await room.row(id)
    assert (now.status, now.control.state) == ("open", "bot")


async def test_a_repeat_under_one_key_writes_once_and_answers_the_same(room: Room) -> None:
    id = await room.says("hello")
    calls: tuple[Callable[[], Awaitable[Amended]], ...] = (
        lambda: room.desk.reply(id, JO, "hi", seen=1, epoch=0, claim=True, key="k"),
        lambda: room.desk.note(id, JO, "hm", key="k"),
        lambda: room.desk.hand_back(id, JO, 1, key="k"),
        lambda: room.desk.take_over(id, JO, 2, key="k"),
        lambda: room.desk.resolve(id, JO, 3, key="k"),
    )
    first = [await call() for call in calls]
    before = await room.log(id)

    again = [await call() for call in calls]

    assert [done.events for done in again] == [done.events for done in first]
    assert all(done.again for done in again)
    assert await room.log(id) == before


async def test_one_agents_key_does_not_answer_for_another(room: Room) -> None:
    id = await room.says("hello")
    await room.desk.note(id, JO, "mine", key="k")
    other = await room.desk.note(id, KIM, "mine, too", key="k")
    assert not other.again


async def test_the_bus_is_told_once_after_the_commit(room: Room) -> None:
    id = await room.says("hello")
    heard = list[News]()
    room.bus.listen(id, heard.append)

    noted = await room.desk.note(id, JO, "hm", key="k")
    await room.desk.note(id, JO, "hm", key="k")
    taken = await room.desk.take_over(id, JO, 0)
    await room.desk.take_over(id, JO, 0)

    assert heard == [Happened(id, noted.events), Happened(id, taken.events)]


class Meanwhile:
    """A store on which something happens between the first question and what is written upon its answer."""

    def __init__(self, store: Store, happens: Callable[[], Awaitable[object]]) -> None:
        self._store, self._happens = store, happens
        self._waits = True

    async def read(self, question: Question[T]) -> T:
        answer = await self._store.read(question)
        if self._waits:
            self._waits = False
            await self._happens()
        return answer

    async def write(self, unit: Unit[T]) -> T:
        return await self._store.write(unit)

    async def close(self) -> None: ...


async def test_a_turn_that_ends_while_a_conversation_is_resolved_keeps_its_slots(room: Room) -> None:
    conversation = await room.says("hello")
    claimed = replace(await room.claim(conversation), state=State(slots={"order": "A-17"}))
    store = Meanwhile(room.store, lambda: room.commit(claimed, "Noted."))
    desk = Desk(store, room.bus, room.clock, lambda _: notices, delivers=frozenset(), wake=lambda _: None)
    await desk.resolve(conversation, JO, 0)
    found = await room.store.read(Find(conversation))
    assert found
    assert (found.conversation.status, found.state.slots) == ("resolved", {"order": "A-17"})
