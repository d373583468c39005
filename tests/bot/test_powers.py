"""The quiet window, what is remembered, and the draft: what the engine does while a responder thinks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.bus.memory import MemoryBus
from bot.model import BOT, Control, Controlled, Discarded, Event, Noted, Turn, text
from bot.ports import Drafted, DraftReset, Happened, News, Stopped
from bot.powers import DraftStream, Lengthened, TurnPowers
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock
from bot.testing.store import ANN, Scene, spoken
from bot.units import Claimed, Committed, Entry

WINDOW = timedelta(milliseconds=400)
TAKEN = Controlled(Control("human", 1, "ann", "Ann"), "bot", ANN)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def scene(clock: SettableClock) -> Scene:
    return Scene(open_store("sqlite://", clock), clock, SeededRandom())


def turn_of(claimed: Claimed, scene: Scene) -> Turn:
    assert claimed.inputs is not None
    return Turn(
        conversation=claimed.conversation,
        state=claimed.state,
        inputs=claimed.inputs,
        attempt=claimed.conversation.attempts,
        now=scene.clock.now(),
    )


def powers_of(turn: Turn, scene: Scene) -> TurnPowers:
    return TurnPowers(turn, store=scene.store, bus=MemoryBus(), clock=scene.clock, window=WINDOW)


# The quiet window


async def test_the_window_is_counted_from_the_last_words(scene: Scene) -> None:
    turn = turn_of(await scene.asks("hello"), scene)
    await scene.clock.advance(0.3)
    waiting = asyncio.create_task(powers_of(turn, scene).quiet())
    await scene.clock.advance(0.09)
    assert not waiting.done()
    await scene.clock.advance(0.01)
    await waiting


async def test_a_turn_taken_late_does_not_wait(scene: Scene) -> None:
    turn = turn_of(await scene.asks("hello"), scene)
    await scene.clock.advance(5)
    await powers_of(turn, scene).quiet()


async def test_a_wall_clock_that_was_set_back_costs_one_window(scene: Scene) -> None:
    turn = turn_of(await scene.asks("hello"), scene)
    event = turn.inputs[0]
    later = Event(event.seq, event.at + timedelta(hours=1), event.author, event.body)
    waiting = asyncio.create_task(powers_of(replace(turn, inputs=(later,)), scene).quiet())
    await scene.clock.advance(0.4)
    await waiting


async def test_what_arrives_meanwhile_makes_the_turn_longer(scene: Scene) -> None:
    turn = turn_of(await scene.asks("hello"), scene)
    waiting = asyncio.create_task(powers_of(turn, scene).quiet())
    await scene.says("one more thing")
    await scene.clock.advance(0.4)
    with pytest.raises(Lengthened):
        await waiting


async def test_what_was_known_when_the_turn_began_makes_it_no_longer(scene: Scene) -> None:
    """A responder is offered only the beginning of a burst, and asks for quiet."""
    turn = turn_of(await scene.asks("one", "two"), scene)
    await scene.clock.advance(1)
    powers = powers_of(turn, scene)
    await powers.quiet()


# The past


async def test_the_past_holds_what_was_said_before_without_notes_and_discarded_drafts(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.amends(scene.amend(now.id, Entry(ANN, Noted("canary"), 0), Entry(BOT, Discarded((text("canary"),)), 0)))
    turn = turn_of(await scene.asks("and now?"), scene)
    past = await powers_of(turn, scene).history()
    assert spoken(past) == [("customer", "hello"), ("bot", "hello")]
    assert "canary" not in str(past)


async def test_the_answer_that_came_after_the_question_had_arrived_is_past(scene: Scene) -> None:
    first = await scene.asks("one")
    second = await scene.says("two")
    committed = await scene.store.write(scene.commit(first, "answer to one", heard=1))
    assert isinstance(committed, Committed)
    turn = turn_of(Claimed(conversation=committed.conversation, state=first.state, inputs=second.events), scene)
    assert turn.words == "two"
    assert spoken(await powers_of(turn, scene).history()) == [("customer", "one"), ("bot", "answer to one")]


async def test_what_is_unheard_is_not_past(scene: Scene) -> None:
    turn = turn_of(await scene.asks("one"), scene)
    await scene.says("two")
    assert await powers_of(turn, scene).history() == ()


async def test_no_more_is_remembered_than_was_asked_for(scene: Scene) -> None:
    for number in range(5):
        await scene.exchange(str(number))
    turn = turn_of(await scene.asks("now"), scene)
    assert spoken(await powers_of(turn, scene).history(3)) == [("bot", "3"), ("customer", "4"), ("bot", "4")]


# The draft


class Watched:
    """A draft, and what viewers are told of it."""

    def __init__(self, turn: Turn) -> None:
        self.bus, self.told, self.id = MemoryBus(), list[News](), turn.conversation.id
        self.bus.listen(None, self.told.append)
        self.draft = DraftStream(self.bus, turn)

    def taken_over(self) -> None:
        self.bus.publish(Happened(self.id, (Event(9, START, ANN, TAKEN),)))

    @property
    def frames(self) -> list[str]:
        return [
            f"{news.n}@{news.start} {news.text}" if isinstance(news, Drafted) else f"reset {news.why}"
            for news in self.told
            if isinstance(news, Drafted | DraftReset)
        ]


@pytest.fixture
async def turn(scene: Scene) -> Turn:
    return turn_of(await scene.asks("hello"), scene)


async def test_pieces_are_numbered_and_know_their_place(turn: Turn) -> None:
    watched = Watched(turn)
    for piece in ("Hello ", "", "you"):
        watched.draft.add(piece)
    assert watched.frames == ["0@0 Hello ", "1@6 you"]
    assert watched.draft.text == "Hello you"


async def test_no_piece_holds_what_cannot_be_shown(turn: Turn) -> None:
    watched = Watched(turn)
    watched.draft.add("\x1b[31mred\ud800")
    assert watched.frames == ["0@0 [31mred\ufffd"]


async def test_a_second_attempt_begins_with_an_empty_screen(turn: Turn) -> None:
    assert Watched(replace(turn, attempt=2)).frames == ["reset attempt"]


async def test_the_customer_stops_what_is_shown(turn: Turn) -> None:
    watched = Watched(turn)
    watched.draft.add("Hello ")
    watched.bus.publish(Stopped(watched.id))
    watched.draft.add("you")
    assert (watched.draft.stopped, watched.draft.stopped_by_customer, watched.frames) == (True, True, ["0@0 Hello "])


async def test_nothing_on_the_screen_cannot_be_stopped(turn: Turn) -> None:
    watched = Watched(turn)
    watched.bus.publish(Stopped(watched.id))
    watched.draft.add("Hello")
    assert (watched.draft.stopped, watched.frames) == (False, ["0@0 Hello"])


async def test_a_takeover_clears_the_screen_once(turn: Turn) -> None:
    watched = Watched(turn)
    watched.draft.add("Hello ")
    watched.taken_over()
    watched.draft.add("you")
    watched.taken_over()
    watched.draft.take_back("control")
    assert watched.draft.stopped is False  # taken back, there is nothing left to stop
    assert watched.frames == ["0@0 Hello ", "reset control"]


async def test_after_a_takeover_nothing_appears_and_thinking_may_go_on(turn: Turn) -> None:
    watched = Watched(turn)
    watched.taken_over()
    watched.draft.add("Hello")
    assert (watched.draft.stopped, watched.frames) == (False, [])


async def test_what_is_taken_back_may_be_followed_by_another(turn: Turn) -> None:
    watched = Watched(turn)
    watched.draft.add("Hello")
    watched.draft.take_back("cancel")
    watched.draft.take_back("cancel")
    watched.draft.add("Hi")
    assert watched.frames == ["0@0 Hello", "reset cancel", "0@0 Hi"]


async def test_a_closed_draft_listens_no_more(turn: Turn) -> None:
    watched = Watched(turn)
    watched.draft.close()
    watched.draft.close()
    assert list(watched.bus._listeners) == [None]
