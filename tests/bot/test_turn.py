"""One turn: who is asked, what actions may do once, and what buttons mean."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from bot.bus.memory import MemoryBus
from bot.errors import ActionFailed
from bot.fit import options_of
from bot.flow.actions import Action
from bot.flow.book import Book
from bot.flow.read import read
from bot.model import (
    Acted,
    Acting,
    Cancel,
    Card,
    Carousel,
    Choices,
    Command,
    Declined,
    Json,
    Message,
    Noted,
    Option,
    Outcome,
    Rating,
    Returned,
    Start,
    State,
    Turn,
    text,
)
from bot.ports import Powers, Store
from bot.powers import TurnPowers
from bot.shelf import Edition, Shelf
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock, settle
from bot.testing.store import ANN, Scene, bodies
from bot.turn import PAGE, Director, Overtaken, Played, give_tokens, through
from bot.units import Claimed, Entry, Unheard
from bot.waiting import within
from tests.bot.flow.script import project
from tests.bot.works import Made, echo, no_facts
from tests.journeys.crossings import Bookings

FLOWS = """
flow: book
about: Books it.
examples: [book it]
slots: {order: {type: order_id}}
steps:
  - {do: book_it, with: {order: order}, into: number, fails: [{say: "That did not work."}, {end: refused}]}
  - {say: "Booked {{ number }}."}
---
flow: book_twice
about: Books two.
examples: [book two]
slots: {order: {type: order_id}}
steps:
  - {do: book_it, with: {order: order}, into: number}
  - {id: again, do: book_it, with: {order: order}, into: other}
  - {say: "Booked {{ number }} and {{ other }}."}
"""


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return read(project(tmp_path_factory.mktemp("project"), FLOWS))


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def scene(clock: SettableClock) -> Scene:
    return Scene(open_store("sqlite://", clock), clock, SeededRandom())


def starts(flow: str) -> Made:
    async def take(turn: Turn, powers: Powers) -> Outcome:
        command: Command = Start(flow, {"order": "A-17"})
        return Outcome(responder="made", commands=((command, "rule"),))

    return Made(take)


class Stand:
    """A director at a store, and the turns it plays."""

    def __init__(self, book: Book, action: Action, scene: Scene, *responders: Made) -> None:
        self.store: Store = scene.store
        self.scene, self.bus, self.clock = scene, MemoryBus(), scene.clock
        self.shelf = Shelf(
            dataclasses.replace(book, actions={"book_it": action, "find": book.actions["find"]}),
            lambda book: Edition(book, responders or (starts("book"),), no_facts),
            store=scene.store,
            clock=scene.clock,
        )
        self.director = Director(
            shelf=self.shelf, store=scene.store, bus=self.bus, clock=scene.clock, random=SeededRandom()
        )

    async def run_by(self, action: Action) -> None:
        """From now on the flows call this one."""
        book = self.shelf.book
        await self.shelf.publish(dataclasses.replace(book, actions={**book.actions, "book_it": action}))

    async def play(self, claimed: Claimed) -> Played:
        turn = self.turn(claimed)
        powers = TurnPowers(turn, store=self.store, bus=self.bus, clock=self.clock, window=timedelta(0))
        return await self.director.play(turn, powers)

    def turn(self, claimed: Claimed) -> Turn:
        assert claimed.inputs is not None
        return Turn(
            conversation=claimed.conversation,
            state=claimed.state,
            inputs=claimed.inputs,
            attempt=claimed.conversation.attempts,
            now=self.clock.now(),
        )

    async def acts(self, claimed: Claimed) -> list[Acting | Acted]:
        found = bodies(await self.scene.log(claimed.conversation.id))
        return [body for body in found if isinstance(body, Acting | Acted)]


def said(played: Played) -> list[str]:
    return [
        "".join(span.text for part in message.parts for span in getattr(part, "spans", ())) for message in played.says
    ]


# Actions


async def test_an_effect_is_announced_and_its_result_recorded_before_it_is_used(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    assert said(await stand.play(claimed)) == ["Booked B-1."]
    acting, acted = await stand.acts(claimed)
    assert isinstance(acting, Acting)
    assert (acting.action, acting.args) == ("book_it", {"order": "A-17"})
    assert acted == Acted(acting.key, "B-1")
    assert list(bookings.made) == [acting.key]


async def test_what_only_reads_leaves_no_record(flows: Book, scene: Scene) -> None:
    stand = Stand(flows, Bookings().action(effect="read"), scene)
    claimed = await scene.asks("book it")
    assert said(await stand.play(claimed)) == ["Booked B-1."]


async def test_a_turn_taken_again_uses_what_is_recorded(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    assert said(await stand.play(claimed)) == said(await stand.play(claimed)) == ["Booked B-1."]
    assert bookings.calls == 1


async def test_a_recorded_failure_is_a_failure_again(flows: Book, scene: Scene) -> None:
    calls: list[str] = []

    async def fails(args: Mapping[str, Json], key: str) -> Json:
        calls.append(key)
        raise ActionFailed("closed")

    stand = Stand(flows, dataclasses.replace(Bookings().action(), call=fails), scene)
    claimed = await scene.asks("book it")
    assert said(await stand.play(claimed)) == said(await stand.play(claimed)) == ["That did not work."]
    assert len(calls) == 1


async def interrupted(stand: Stand, claimed: Claimed) -> None:
    """As after a crash between T2 and T3: the store went away after the call."""
    crash = Bookings()
    crash.made, crash.first = {}, lambda: _raise(ConnectionResetError())
    action = stand.shelf.book.actions["book_it"]
    await stand.run_by(dataclasses.replace(action, call=crash.call))
    with pytest.raises(ConnectionResetError):
        await stand.play(claimed)
    await stand.run_by(action)


async def _raise(error: Exception) -> None:
    raise error


async def test_after_a_crash_the_action_tells_what_became_of_its_call(flows: Book, scene: Scene) -> None:
    bookings = Bookings()

    async def check(key: str) -> Json:
        return "B-9"

    stand = Stand(flows, dataclasses.replace(bookings.action(), check=check), scene)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    played = await stand.play(claimed)
    assert (said(played), bookings.calls) == (["Booked B-9."], 0)
    acting, acted = await stand.acts(claimed)
    assert acted == Acted(acting.key, "B-9"), "from now on it is known"


async def test_after_a_crash_what_never_took_place_is_called_under_the_same_key_and_announced_anew(
    flows: Book, scene: Scene
) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    assert said(await stand.play(claimed)) == ["Booked B-1."]
    first, second, acted = await stand.acts(claimed)
    assert first.key == second.key == acted.key
    assert list(bookings.made) == [first.key]


async def test_after_a_crash_nobody_calls_again_what_cannot_be_checked(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(check=False), scene)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    played = await stand.play(claimed)
    assert (bookings.calls, played.handoff and played.handoff.reason) == (0, "action_failed")
    assert played.handoff is not None
    assert "outcome unknown" in played.handoff.note
    assert len(await stand.acts(claimed)) == 1


async def test_what_arrives_after_an_effect_began_is_no_part_of_the_turn_taken_again(flows: Book, scene: Scene) -> None:
    made = starts("book")
    stand = Stand(flows, Bookings().action(), scene, made)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    await scene.says("no, wait")
    await scene.clock.advance(16)
    (again,) = await scene.claims()
    inputs = await scene.store.read(Unheard(again.conversation.id, again.conversation.heard))
    played = await stand.play(replace(again, inputs=inputs))
    assert (said(played), played.heard) == (["Booked B-1."], 1)
    assert [turn.words for turn in made.turns] == ["book it", "book it"]


async def test_what_arrives_before_the_effect_and_was_not_heard_is_no_part_of_it_either(
    flows: Book, scene: Scene
) -> None:
    made, bookings = starts("book"), Bookings()
    stand = Stand(flows, bookings.action(), scene, made)
    claimed = await scene.asks("book it")
    await scene.says("no, wait")
    await interrupted(stand, claimed)
    await scene.clock.advance(16)
    (again,) = await scene.claims()
    inputs = await scene.store.read(Unheard(again.conversation.id, again.conversation.heard))
    played = await stand.play(replace(again, inputs=inputs))
    assert (said(played), played.heard) == (["Booked B-1."], 1)
    assert [turn.words for turn in made.turns] == ["book it", "book it"]


async def test_a_check_that_fails_sends_the_customer_to_a_human(flows: Book, scene: Scene) -> None:
    async def check(key: str) -> Json:
        raise ActionFailed("the shop is closed")

    stand = Stand(flows, dataclasses.replace(Bookings().action(), check=check), scene)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    played = await stand.play(claimed)
    assert played.handoff is not None
    assert "the shop is closed" in played.handoff.note


async def test_a_crash_long_ago_is_found_however_much_was_written_since(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    await stand.play(claimed)
    notes = (Entry(ANN, Noted(str(number)), 0) for number in range(2 * PAGE))
    await scene.amends(scene.amend(claimed.conversation.id, *notes))
    assert said(await stand.play(claimed)) == ["Booked B-1."]
    assert bookings.calls == 1


async def test_each_step_and_each_pass_has_a_key_of_its_own(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene, starts("book_twice"))
    assert said(await stand.play(await scene.asks("book two"))) == ["Booked B-1 and B-2."]
    assert said(await stand.play(await scene.asks("book two", chat="2"))) == ["Booked B-3 and B-4."]
    assert len(bookings.made) == 4


async def hangs(args: Mapping[str, Json], key: str) -> Json:
    return await asyncio.Event().wait()


async def test_a_read_that_gives_no_answer_in_time_has_failed(flows: Book, scene: Scene) -> None:
    stand = Stand(flows, dataclasses.replace(Bookings().action(effect="read"), call=hangs), scene)
    playing = asyncio.create_task(stand.play(await scene.asks("book it")))
    await scene.clock.advance(9.9)
    assert not playing.done()
    await scene.clock.advance(0.1)
    assert said(await playing) == ["That did not work."]


@pytest.mark.parametrize(
    ("happened", "says", "recorded"),
    [
        ("B-9", ["Booked B-9."], Acted("", "B-9")),
        (None, ["That did not work."], Acted("", None, "no answer within 10 s")),
    ],
    ids=["it took place", "it did not"],
)
async def test_an_effect_that_gives_no_answer_in_time_is_checked(
    flows: Book, scene: Scene, happened: Json, says: list[str], recorded: Acted
) -> None:
    async def check(key: str) -> Json:
        return happened

    stand = Stand(flows, dataclasses.replace(Bookings().action(), call=hangs, check=check), scene)
    claimed = await scene.asks("book it")
    playing = asyncio.create_task(stand.play(claimed))
    await scene.clock.advance(10)
    assert said(await playing) == says
    acting, acted = await stand.acts(claimed)
    assert acted == Acted(acting.key, recorded.result, recorded.error)


async def test_an_effect_that_gives_no_answer_and_cannot_be_checked_is_for_a_human(flows: Book, scene: Scene) -> None:
    stand = Stand(flows, dataclasses.replace(Bookings().action(check=False), call=hangs), scene)
    claimed = await scene.asks("book it")
    playing = asyncio.create_task(stand.play(claimed))
    await scene.clock.advance(10)
    played = await playing
    assert played.handoff is not None
    assert len(await stand.acts(claimed)) == 1, "nobody knows, so nothing is recorded"


async def test_no_effect_begins_after_a_takeover(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    await scene.takes_over(claimed.conversation)
    with pytest.raises(Overtaken):
        await stand.play(claimed)
    assert (bookings.calls, await stand.acts(claimed)) == (0, [])


async def test_no_effect_begins_in_a_worker_that_lost_its_lease(flows: Book, scene: Scene) -> None:
    bookings = Bookings()
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    await scene.clock.advance(16)
    assert len(await scene.claims()) == 1
    with pytest.raises(Overtaken):
        await stand.play(claimed)
    assert bookings.calls == 0


async def test_a_recovered_effect_begins_only_where_the_floor_is_ours(flows: Book, scene: Scene) -> None:
    """The check says that it never took place, and then a human takes over."""
    bookings = Bookings()

    async def check(key: str) -> Json:
        await scene.takes_over(claimed.conversation)
        return None

    stand = Stand(flows, dataclasses.replace(bookings.action(), check=check), scene)
    claimed = await scene.asks("book it")
    await interrupted(stand, claimed)
    with pytest.raises(Overtaken):
        await stand.play(claimed)
    assert bookings.calls == 0


async def test_a_takeover_during_the_call_leaves_the_effect_recorded(flows: Book, scene: Scene) -> None:
    bookings = Bookings(first=lambda: scene.takes_over(claimed.conversation))
    stand = Stand(flows, bookings.action(), scene)
    claimed = await scene.asks("book it")
    await stand.play(claimed)
    acting, acted = await stand.acts(claimed)
    assert acted == Acted(acting.key, "B-1")


async def test_a_call_that_has_begun_is_recorded_although_the_turn_is_ended(flows: Book, scene: Scene) -> None:
    gate = asyncio.Event()
    stand = Stand(flows, Bookings(first=gate.wait).action(), scene)
    claimed = await scene.asks("book it")
    playing = asyncio.create_task(stand.play(claimed))
    await settle()
    playing.cancel()
    await settle()
    assert not playing.done()
    gate.set()
    await asyncio.wait((playing,))
    assert playing.cancelled()
    acting, acted = await stand.acts(claimed)
    assert acted == Acted(acting.key, "B-1")


# Waiting


async def test_what_is_late_is_cancelled_and_awaited_before_it_is_given_up(clock: SettableClock) -> None:
    tidied: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append("yes")

    waiting = asyncio.create_task(within(clock, timedelta(seconds=1), work()))
    await clock.advance(1)
    with pytest.raises(TimeoutError):
        await waiting
    assert tidied == ["yes"]


async def test_whoever_stops_waiting_takes_the_work_along(clock: SettableClock) -> None:
    tidied: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            tidied.append("yes")
            raise ValueError("while tidying") from None

    waiting = asyncio.create_task(within(clock, timedelta(seconds=1), work()))
    await settle()
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert (waiting.cancelled(), tidied) == (True, ["yes"])


# Who is asked


async def test_responders_are_asked_in_order_until_one_does_not_decline(flows: Book, scene: Scene) -> None:
    async def declines(turn: Turn, powers: Powers) -> Declined:
        return Declined("not mine")

    stand = Stand(flows, Bookings().action(), scene, Made(declines, "first"), Made(echo, "second"), Made(echo, "third"))
    played = await stand.play(await scene.asks("hello"))
    assert (played.declined, played.answer) == ((("first", "not mine"),), (text("echo hello"),))


async def test_who_declines_part_of_a_burst_leaves_the_others_its_beginning(flows: Book, scene: Scene) -> None:
    async def knows_the_end(turn: Turn, powers: Powers) -> Declined:
        return Declined("only the end is mine", through=turn.inputs[0].seq)

    rest = Made(echo)
    stand = Stand(flows, Bookings().action(), scene, Made(knows_the_end), rest)
    played = await stand.play(await scene.asks("one", "two"))
    assert (rest.turns[0].words, played.heard) == ("one", 1)


async def test_who_no_longer_waits_for_a_human_goes_on_as_after_one(flows: Book, scene: Scene) -> None:
    async def gives_up(turn: Turn, powers: Powers) -> Outcome:
        return Outcome(responder="made", commands=((Cancel("handoff"), "rule"),))

    stand = Stand(flows, Bookings().action(), scene, Made(gives_up))
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    assert asked.conversation.control.state == "queued"
    played = await stand.play(await scene.asks("never mind"))
    assert played.gives_up_waiting


# Buttons


def option(label: str) -> Option:
    return Option(label, f"/start {label}")


def test_every_option_of_a_message_gets_a_token_and_they_exclude_one_another() -> None:
    message = Message((Card("Tent", options=(option("a"),)), Choices((option("b"), option("c")))))
    (given,), offers = give_tokens([message], 3, SeededRandom())
    tokens = [each.token for part in given.parts if isinstance(part, Card | Choices) for each in part.options]
    assert [offer.token for offer in offers] == tokens
    assert len(set(tokens)) == 3
    assert all(len(token) >= 20 for token in tokens)
    assert {(offer.epoch, offer.once) for offer in offers} == {(3, offers[0].once)}
    assert [(offer.value, offer.label) for offer in offers] == [("/start a", "a"), ("/start b", "b"), ("/start c", "c")]


def test_grades_and_what_stands_on_cards_to_leaf_through_get_tokens_too() -> None:
    grades = Rating("How was it?", 2, (Option("1", "/set stars=1"), Option("2", "/set stars=2")))
    cards = Carousel((Card("Lamp", options=(Option("Buy", "/start buy"),)), Card("Chair")))
    (given,), offers = give_tokens([Message((grades, cards))], 3, SeededRandom())
    assert [offer.value for offer in offers] == ["/set stars=1", "/set stars=2", "/start buy"]
    assert [option.token for part in given.parts for option in options_of(part)] == [offer.token for offer in offers]


def test_messages_without_options_stay_as_they_are() -> None:
    assert give_tokens([text("hello")], 0, SeededRandom()) == ([text("hello")], ())


async def test_a_turn_knows_only_the_inputs_it_is_about(scene: Scene) -> None:
    claimed = await scene.asks("one", "two")
    assert claimed.inputs is not None
    first, second = claimed.inputs
    back = msgspec.structs.replace(second, body=Returned("resume", "Ann"))
    turn = Turn(
        conversation=claimed.conversation, state=State(), inputs=(first, back), attempt=1, now=scene.clock.now()
    )
    assert through(turn, None).state.marker == back.seq
    assert (through(turn, first.seq).state.marker, through(turn, first.seq).inputs) == (0, (first,))
