"""What was promised is sent: in order, once or marked, for as long as there is hope, and never in a human's stead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.bus.memory import MemoryBus
from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable
from bot.live import Live
from bot.model import (
    BOT,
    Address,
    Choices,
    Conversation,
    Message,
    Noted,
    Option,
    Reachable,
    Said,
    Span,
    Text,
    text,
)
from bot.outbox import Outbox, OutboxSettings
from bot.pace import Pacer
from bot.ports import Channel, Happened, Limit, Pace, Rate, Receipt, Shown, Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock, settle
from bot.testing.store import LEASE, Scene
from bot.units import Deliveries, DraftOf, Entry, PutDraft, RefOf, SendClaim, Settle
from channels.memory import EVERYTHING, Memory
from tests.journeys.crossings import Crossings

DAY = 24 * 3600


@dataclass
class Post:
    """An outbox at a store, with one memory channel."""

    scene: Scene
    store: Store
    clock: SettableClock
    memory: Memory
    bus: MemoryBus
    outbox: Outbox
    logs: list[Any] = field(default_factory=list)
    running: asyncio.Task[None] = field(init=False)

    async def promise(self, *words: str | Message, chat: str = "1") -> Conversation:
        """The bot answers with this."""
        claimed = await self.scene.asks("hello", chat=chat)
        says = tuple(
            Entry(BOT, Said(text(one) if isinstance(one, str) else one), 0, public=True, deliver=True) for one in words
        )
        done = await self.store.write(self.scene.commit(claimed, entries=says))
        self.bus.publish(Happened(claimed.conversation.id, getattr(done, "events", ())))
        return claimed.conversation

    async def states(self, conversation: Conversation) -> list[str]:
        return [state for _, _, state, _ in await self.store.read(Deliveries(conversation.id))]

    def seen(self, chat: str = "1") -> list[str]:
        return self.memory.seen(chat)


@asynccontextmanager
async def post(
    *,
    store: Store | None = None,
    channel: Callable[[Memory], Channel] = lambda memory: memory,
    clock: SettableClock | None = None,
    streams: bool = False,
    **settings: Any,
) -> AsyncIterator[Post]:
    unhandled: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    clock, bus, random = clock or SettableClock(), MemoryBus(), SeededRandom()
    store = store or open_store("sqlite://", clock)
    if isinstance(store, Crossings):
        store.of(open_store("sqlite://", clock))
    memory = Memory(clock, account="shop")
    outbox = Outbox(
        [channel(memory)],
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        settings=OutboxSettings(**{"worker": "w1", **settings}),
        live=Live([memory], store=store, clock=clock, pacer=Pacer(clock)) if streams else None,
    )
    made = Post(Scene(store, clock, random), store, clock, memory, bus, outbox)
    with capture_logs() as made.logs:
        made.running = asyncio.create_task(outbox.run())
        await settle()
        yield made
        made.running.cancel()
        await asyncio.gather(made.running, return_exceptions=True)
    assert bus._listeners == {}
    assert unhandled == []


# Order


async def test_what_is_promised_is_sent_at_once_in_order() -> None:
    async with post() as at:
        now = await at.promise("one", "two", "three")
        await settle()
        assert at.seen() == ["one", "two", "three"]
        assert await at.states(now) == ["sent"] * 3


async def test_a_reply_goes_out_with_the_id_of_what_it_answers() -> None:
    async with post() as at:
        unit = at.scene.accept(bodies=(Said(text("which one?"), "theirs"),), lease=LEASE)
        claimed = (await at.store.write(unit)).claimed
        assert claimed is not None
        says = [replace(text("this one"), reply_to=1), replace(text("or this"), reply_to=2), text("that is all")]
        entries = [Entry(BOT, Said(one), 0, public=True, deliver=True) for one in says]
        done = await at.store.write(at.scene.commit(claimed, entries=entries))
        at.bus.publish(Happened(claimed.conversation.id, getattr(done, "events", ())))
        await settle()
        first = at.memory.sent[0]
        assert [sent.reply_to for sent in at.memory.sent] == ["theirs", first.key, ""]


async def test_where_replies_are_not_shown_nothing_is_looked_up() -> None:
    crossings = Crossings(only=RefOf)
    async with post(store=crossings) as at:
        at.memory.can = replace(EVERYTHING, can=frozenset())
        await at.promise(replace(text("this one"), reply_to=1))
        await settle()
        assert (at.seen(), crossings.passed) == (["this one"], 0)


async def test_what_is_for_one_person_takes_no_drafts_place() -> None:
    """All have read that: it is taken back, and the message is one of its own."""
    async with post(streams=True) as at:
        at.memory.can = replace(EVERYTHING, shared=True, can=frozenset(("private_note",)))
        claimed = await at.scene.asks("hello")
        now = claimed.conversation
        draft = Shown("d", "the code", at.clock.now())
        await at.store.write(PutDraft(conversation=now.id, to=now.address, turn=now.heard, shown=draft))
        said = Entry(BOT, Said(replace(text("the code is 7"), only_for="ana")), 0, public=True, deliver=True)
        await at.store.write(replace(at.scene.commit(claimed, entries=[said]), draft=True))
        await at.clock.advance(10)
        assert [at.memory.seen("1", by=by) for by in ("ana", "ben")] == [["the code is 7"], []]
        assert [sent.shown for sent in at.memory.sent] == [None]
        assert await at.store.read(DraftOf(now.id, now.heard)) is None


async def test_what_was_left_by_others_is_sent_at_the_start() -> None:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    await Scene(store, clock, SeededRandom(5)).exchange("hello", deliver=True)
    async with post(store=store) as at:
        assert at.seen() == ["hello"]


async def test_nothing_overtakes_what_has_to_wait() -> None:
    async with post() as at:
        at.memory.faults = [TryLater("slow", after=timedelta(seconds=30))]
        await at.promise("one", "two")
        await at.promise("elsewhere", chat="2")
        await at.clock.advance(29)
        assert (at.seen("1"), at.seen("2")) == ([], ["elsewhere"])
        await at.clock.advance(2)
        assert at.seen("1") == ["one", "two"]


class SetForward(SettableClock):
    """A machine whose wall clock jumps by a day once it is told to."""

    off = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.off


async def test_a_wall_clock_that_is_set_forward_makes_no_message_too_old() -> None:
    clock = SetForward()
    async with post(clock=clock) as at:
        at.memory.faults = [TryLater("slow", after=timedelta(seconds=30))]
        await at.promise("one")
        clock.off = timedelta(days=2)
        await at.clock.advance(31)
        assert at.seen() == ["one"]


LONG = "\n\n".join(f"Paragraph {number}." for number in range(3))


async def test_a_long_message_goes_on_at_the_first_piece_without_a_receipt() -> None:
    async with post() as at:
        at.memory.can = replace(EVERYTHING, text=Limit(15))
        at.memory.faults = [None, TryLater("slow", after=timedelta(seconds=5))]
        now = await at.promise(LONG, "next")
        await settle()
        assert at.seen() == ["Paragraph 0."]
        await at.clock.advance(6)
        assert at.seen() == ["Paragraph 0.", "Paragraph 1.", "Paragraph 2.", "next"]
        assert [call.key[-1] for call in at.memory.calls] == ["0", "1", "1", "2", "0"]
        assert await at.states(now) == ["sent", "sent"]


async def test_a_message_that_shows_nothing_holds_up_nobody() -> None:
    async with post() as at:
        now = await at.promise(Message((Text((Span("  "),)),)), "next")
        await settle()
        assert (at.seen(), await at.states(now)) == (["next"], ["sent", "sent"])


# Failures


async def test_a_platform_that_says_when_is_obeyed_and_no_attempt_counts() -> None:
    async with post(attempts=2) as at:
        at.memory.faults = [TryLater("slow", after=timedelta(seconds=10)) for _ in range(5)]
        now = await at.promise("hello")
        await at.clock.advance(49)
        assert at.seen() == []
        await at.clock.advance(2)
        assert (at.seen(), await at.states(now), len(at.memory.calls)) == (["hello"], ["sent"], 6)


async def test_a_platform_that_says_at_once_is_not_hammered() -> None:
    async with post() as at:
        at.memory.faults = [TryLater("slow", after=timedelta(0)) for _ in range(5)]
        await at.promise("hello")
        await at.clock.advance(0.5)
        assert len(at.memory.calls) == 1


async def test_waits_are_jittered_and_doubled_up_to_a_bound() -> None:
    class Widest(SeededRandom):
        def between(self, low: float, high: float) -> float:
            assert low == 0
            return high

    async with post(longest=timedelta(seconds=10)) as at:
        at.outbox._random = Widest()
        at.memory.faults = [TryLater("slow") for _ in range(7)]
        await at.promise("hello")
        times: list[int] = []
        for second in range(60):
            await settle()
            times += [second] * (len(at.memory.calls) - len(times))
            await at.clock.advance(1)
        assert times == [0, 1, 3, 7, 15, 25, 35, 45]


async def test_after_so_many_attempts_it_is_a_dead_letter_and_the_next_one_goes() -> None:
    async with post(attempts=3) as at:
        at.memory.faults = [TryLater("slow"), Unreachable("gone"), TryLater("slow")]
        now = await at.promise("one", "two")
        await at.clock.advance(30)
        assert (at.seen(), await at.states(now)) == (["two"], ["dead", "sent"])
        assert [entry["log_level"] for entry in at.logs if entry.get("dead")] == ["error"]


@pytest.mark.parametrize("error", [TryLater("slow", after=timedelta(hours=5)), Unreachable("gone")])
async def test_after_a_day_it_is_a_dead_letter(error: NotSent) -> None:
    async with post(attempts=10_000, sweep_every=timedelta(minutes=30)) as at:
        at.memory.faults = [error] * 10_000
        now = await at.promise("one")
        await at.clock.advance(DAY - 3600)
        assert await at.states(now) == ["waiting"]
        await at.clock.advance(DAY)
        assert await at.states(now) == ["dead"]


async def test_a_customer_who_blocked_us_gets_a_dead_letter() -> None:
    async with post() as at:
        at.memory.faults = [Forbidden("blocked", scope="address")]
        now = await at.promise("one", "two")
        await settle()
        assert await at.states(now) == ["dead", "sent"]


async def test_a_refused_account_stands_still_with_one_alarm_and_loses_nothing() -> None:
    async with post(attempts=2, sweep_every=timedelta(minutes=1)) as at:
        at.memory.faults = [Forbidden("bad token", scope="account")] * 5
        conversations = [await at.promise("hello")]
        await settle()
        conversations += [await at.promise("hello", chat=str(chat)) for chat in (2, 3)]
        await at.clock.advance(4 * 60)
        refused = [entry for entry in at.logs if entry["event"] == "outbox.account_refused"]
        assert (len(refused), len(at.memory.calls)) == (1, 1)
        await at.clock.advance(20 * 60)
        assert [await at.states(now) for now in conversations] == [["sent"]] * 3


async def test_what_the_platform_refuses_goes_once_more_as_plain_text() -> None:
    async with post() as at:
        at.memory.faults = [Unshowable("bad markup")]
        now = await at.promise(Message((Text((Span("bold", ("bold",)),)), Choices((Option("Yes", "/set a=yes"),)))))
        await settle()
        (sent,) = at.memory.sent
        assert sent.message == text("bold\n1. Yes")
        assert await at.states(now) == ["sent"]


async def test_what_is_refused_as_plain_text_too_is_a_dead_letter() -> None:
    async with post() as at:
        at.memory.faults = [Unshowable("bad"), Unshowable("bad")]
        now = await at.promise("one", "two")
        await settle()
        assert await at.states(now) == ["dead", "sent"]


@pytest.mark.parametrize("faults", [[], [Unshowable("bad")]], ids=["it would lose marks", "it is refused"])
async def test_a_strict_message_is_never_sent_with_a_loss(faults: list[Exception | None]) -> None:
    async with post() as at:
        if not faults:
            at.memory.can = replace(EVERYTHING, marks=frozenset())
        at.memory.faults = faults
        now = await at.promise(Message((Text((Span("bold", ("bold",)),)),), strict=True))
        await at.clock.advance(5)
        assert (at.memory.sent, await at.states(now)) == ([], ["dead"])


async def test_what_may_have_arrived_is_sent_again_and_says_so() -> None:
    async with post() as at:
        at.memory.faults, at.memory.lost_receipts = [Unreachable("no answer")], 1
        now = await at.promise("hello")
        await at.clock.advance(2)
        assert [(call.key[-1], call.again) for call in at.memory.calls] == [("0", False), ("0", True)]
        assert (at.seen(), await at.states(now)) == (["hello"], ["sent"])


async def test_a_call_that_gives_no_answer_is_given_up_before_the_lease_ends() -> None:
    async with post(channel=lambda memory: Wrong(memory, asyncio.Event().wait), patience=timedelta(seconds=30)) as at:
        now = await at.promise("hello")
        await at.clock.advance(29)
        assert await at.states(now) == ["sending"]
        await at.clock.advance(2)
        assert [(call.key[-1], call.again) for call in at.memory.calls] == [("0", True)]
        assert await at.states(now) == ["sent"]


async def test_an_adapter_that_breaks_is_tried_again_as_if_there_were_no_answer() -> None:
    async def breaks() -> None:
        raise KeyError("ok\x00\ud800" + "x" * 10_000)

    async with post(channel=lambda memory: Wrong(memory, breaks)) as at:
        now = await at.promise("hello")
        await at.clock.advance(2)
        assert [call.again for call in at.memory.calls] == [True]
        assert await at.states(now) == ["sent"]


class Wrong:
    """A channel whose first call goes wrong in a way that no adapter may."""

    def __init__(self, memory: Memory, first: Callable[[], Awaitable[object]]) -> None:
        self.memory, self.first = memory, [first]
        self.name, self.account = memory.name, memory.account
        self.capabilities, self.run = memory.capabilities, memory.run

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        if self.first:
            await self.first.pop()()
        return await self.memory.send(to, message, key=key, again=again)


# The store


async def test_a_receipt_that_cannot_be_kept_is_left_to_the_lease() -> None:
    async with post(store=Crossings(at=1, only=Settle)) as at:
        now = await at.promise("hello")
        await at.clock.advance(59)
        assert await at.states(now) == ["sending"]
        await at.clock.advance(2)
        assert [call.again for call in at.memory.calls] == [False, True]
        assert await at.states(now) == ["sent"]


async def test_a_store_that_is_down_is_asked_again() -> None:
    async with post(store=Crossings(at=2, only=SendClaim)) as at:
        now = await at.promise("hello")
        await at.clock.advance(2)
        assert await at.states(now) == ["sent"]


async def test_the_receipt_of_an_attempt_that_another_repeats_settles_nothing() -> None:
    gate = asyncio.Event()
    async with post(channel=lambda memory: Wrong(memory, gate.wait), lease=timedelta(seconds=1)) as at:
        now = await at.promise("hello", LONG)
        await at.clock.advance(0.5)
        at.outbox._refused_until[("memory", "shop")] = 1e9  # this process claims no more
        await at.clock.advance(2)
        (elsewhere,) = await at.scene.sends()
        gate.set()
        await settle()
        assert any(entry["event"] == "outbox.late_receipt" for entry in at.logs)
        assert await at.states(now) == ["sending", "waiting"]
        assert await at.store.write(at.scene.sent(elsewhere))


# Who has the floor


async def test_what_a_takeover_overtook_is_not_sent_and_the_agents_words_are() -> None:
    async with post() as at:
        at.memory.faults = [TryLater("slow", after=timedelta(seconds=10))]
        now = await at.promise("one", "two")
        await settle()
        taken = await at.scene.takes_over(now)
        await at.scene.amends(at.scene.replies(taken.conversation, "Ann here", deliver=True))
        await at.clock.advance(15)
        assert at.seen() == ["Ann here"]
        assert await at.states(now) == ["cancelled", "cancelled", "sent"]


async def test_what_was_on_the_wire_at_a_takeover_is_the_last_of_the_bot() -> None:
    gate = asyncio.Event()
    async with post(channel=lambda memory: Wrong(memory, gate.wait)) as at:
        now = await at.promise("one", "two")
        await settle()
        taken = await at.scene.takes_over(now)
        assert taken.in_flight is not None
        gate.set()
        await at.clock.advance(5)
        assert at.seen() == ["one"]
        assert await at.states(now) == ["sent", "cancelled"]


# Its own life


async def test_stopping_lets_what_is_in_the_air_settle() -> None:
    gate = asyncio.Event()
    async with post(channel=lambda memory: Wrong(memory, gate.wait)) as at:
        now = await at.promise("one", "two")
        await settle()
        at.running.cancel()
        await settle()
        assert not at.running.done()
        gate.set()
        await settle()
        assert at.running.cancelled()
        assert await at.states(now) == ["sent", "waiting"]


async def test_stopping_while_it_claims_sends_what_was_claimed() -> None:
    gate = asyncio.Event()
    store = Crossings(only=SendClaim, when="after", what=gate.wait)
    async with post(store=store) as at:
        store.at = 1
        now = await at.promise("one")
        await settle()
        at.running.cancel()
        gate.set()
        await settle()
        assert at.running.cancelled()
        assert (await at.states(now), [call.again for call in at.memory.calls]) == (["sent"], [False])


async def test_what_nobody_has_to_send_wakes_nobody() -> None:
    store = Crossings(at=10**9, only=SendClaim)
    async with post(store=store) as at:
        before = store.passed
        kept = await at.scene.says("hello")
        at.bus.publish(Happened(kept.conversation, kept.events))
        await settle()
        assert store.passed == before


async def test_what_the_platform_says_of_a_whole_account_holds_all_its_chats() -> None:
    async with post() as at:
        at.memory.faults.append(TryLater("flood", after=timedelta(seconds=4), scope="account"))
        await at.promise("first", chat="1")
        await settle()
        await at.promise("second", chat="2")
        await at.clock.advance(3)
        assert len(at.memory.calls) == 1
        await at.clock.advance(3)
        assert (at.seen("1"), at.seen("2")) == (["first"], ["second"])


async def test_no_more_are_in_the_air_than_allowed() -> None:
    gate, most = asyncio.Event(), list[int]()

    class Counting(Wrong):
        flying = 0

        async def send(
            self,
            to: Address,
            message: Message,
            *,
            key: str,
            again: bool = False,
            shown: Shown | None = None,
            reply_to: str = "",
        ) -> Receipt:
            self.flying += 1
            most.append(self.flying)
            await gate.wait()
            self.flying -= 1
            return await self.memory.send(to, message, key=key, again=again)

    async with post(channel=lambda memory: Counting(memory, gate.wait), most=3) as at:
        for chat in range(8):
            await at.promise("hello", chat=str(chat))
        await settle()
        assert max(most) == 3
        gate.set()
        await settle()
        assert len(at.memory.sent) == 8


async def test_an_outbox_without_senders_has_nothing_to_do() -> None:
    clock = SettableClock()
    settings = OutboxSettings(worker=LEASE.worker)
    store = open_store("sqlite://", clock)
    await Outbox([], store=store, bus=MemoryBus(), clock=clock, random=SeededRandom(), settings=settings).run()


async def test_a_worker_that_stood_still_beyond_its_lease_sends_nothing() -> None:
    crossings, gate = Crossings(only=SendClaim), asyncio.Event()
    async with post(store=crossings, lease=timedelta(seconds=60)) as at:
        crossings.at, crossings.when, crossings.what = 1, "after", gate.wait
        now = await at.promise("hello")
        await at.clock.advance(61)
        gate.set()
        await at.clock.advance(2)
        assert [call.again for call in at.memory.calls] == [True], "only the attempt after it, which cannot know"
        assert await at.states(now) == ["sent"]


# Pace


async def test_a_chat_is_not_written_to_faster_than_its_platform_takes_it() -> None:
    async with post() as at:
        at.memory.can = replace(EVERYTHING, pace=Pace(chat=Rate(1, timedelta(seconds=1))))
        await at.promise("one", "two", "three")
        await at.promise("elsewhere", chat="2")
        await at.clock.advance(0.5)
        assert (at.seen(), at.seen("2")) == (["one"], ["elsewhere"])
        await at.clock.advance(1)
        assert at.seen() == ["one", "two"]
        await at.clock.advance(1)
        assert at.seen() == ["one", "two", "three"]


async def test_a_message_that_has_to_wait_long_gives_its_lease_back_and_no_attempt_is_counted() -> None:
    async with post() as at:
        at.memory.can = replace(EVERYTHING, pace=Pace(chat=Rate(1, timedelta(minutes=2))))
        now = await at.promise("one", "two")
        await at.clock.advance(1)
        assert await at.states(now) == ["sent", "waiting"]
        await at.clock.advance(125)
        assert await at.states(now) == ["sent", "sent"]
        assert [call.again for call in at.memory.calls] == [False, False]


async def test_where_a_server_wants_to_be_left_alone_nothing_goes_to_that_chat() -> None:
    async with post() as at:
        at.memory.faults = [TryLater("flood", after=timedelta(seconds=40))]
        await at.promise("one")
        await at.clock.advance(39)
        assert at.outbox._pacer.wait(at.memory.address("1"), None, "typing") > timedelta(0)
        await at.clock.advance(2)
        assert at.seen() == ["one"]


# Outcome unknown


async def promise_once(at: Post, words: str) -> Conversation:
    claimed = await at.scene.asks("pay")
    entry = Entry(BOT, Said(text(words)), 0, public=True, deliver=True, once=True)
    done = await at.store.write(at.scene.commit(claimed, entries=(entry,)))
    at.bus.publish(Happened(claimed.conversation.id, getattr(done, "events", ())))
    return claimed.conversation


async def test_on_a_blind_platform_an_answer_comes_again_and_what_was_done_is_told_once_at_most() -> None:
    for once, states, times in ((False, ["sent"], 2), (True, ["unknown"], 1)):
        async with post() as at:
            at.memory.can = replace(EVERYTHING, resend="blind")
            at.memory.faults, at.memory.lost_receipts = [Unreachable("cut")], 1
            now = await promise_once(at, "Paid.") if once else await at.promise("Paid.")
            await at.clock.advance(10)
            assert (await at.states(now), len(at.seen())) == (states, times)
            notes = [event.body for event in await at.scene.log(now.id) if isinstance(event.body, Noted)]
            assert len(notes) == once


async def test_where_the_platform_knows_the_key_everything_is_sent_again() -> None:
    async with post() as at:
        at.memory.faults, at.memory.lost_receipts = [Unreachable("cut")], 1
        now = await promise_once(at, "Paid.")
        await at.clock.advance(10)
        assert (await at.states(now), at.seen()) == (["sent"], ["Paid."])


async def test_after_a_crash_what_may_have_been_told_is_left_to_a_person() -> None:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    async with post(store=store, clock=clock, channel=lambda memory: Wrong(memory, asyncio.Event().wait)) as at:
        now = await promise_once(at, "Paid.")
        await settle()
        assert await at.states(now) == ["sending"]
        at.running.cancel()
        for task in at.outbox._flying:
            task.cancel()
        await clock.advance(61)
        memory = Memory(clock, account="shop", can=replace(EVERYTHING, resend="blind"))
        other = Outbox(
            [memory], store=store, bus=at.bus, clock=clock, random=SeededRandom(2), settings=OutboxSettings(worker="w2")
        )
        running = asyncio.create_task(other.run())
        await clock.advance(2)
        assert (await at.states(now), memory.calls) == (["unknown"], [])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_who_blocked_us_is_not_spoken_to_first() -> None:
    async with post() as at:
        at.memory.faults = [Forbidden("blocked", scope="address")]
        now = await at.promise("one")
        await settle()
        assert Reachable(False) in [event.body for event in await at.scene.log(now.id)]
