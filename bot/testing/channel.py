"""What every channel promises (C1-C16), as tests for whoever makes one.

A test module subclasses `ChannelContract` and gives it the fixture `harness`: the channel, the stand-in of its
platform, and what a person does and sees there. This module knows no channel and no stand-in. Which promises a channel
can make is read from the channel: from its protocols and its `Capabilities`, never from a list of exceptions.
Coroutines are collected with pytest-asyncio in its mode `auto`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pytest
from msgspec.structs import replace

from bot import markup
from bot.errors import Forbidden, NotSent, StoreDown, TryLater, Unreachable, Unshowable
from bot.fit import fit, words
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Location,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Pressed,
    Rating,
    Raw,
    Said,
    Source,
    Sources,
    Span,
    Table,
    Text,
    VCard,
    text,
    written,
)
from bot.ports import (
    Accepted,
    Arrival,
    Channel,
    Clock,
    Editing,
    Receipt,
    Receive,
    Sending,
    Streaming,
    Toast,
    Typing,
)

STUCK = 20.0
"""Seconds of real time after which something that ought to happen never will."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of ours, as the person sees it now."""

    text: str
    buttons: tuple[str, ...] = ()
    """Labels of what can be pressed or chosen."""
    files: int = 0
    answers: str = ""
    """Text of the message that it is shown to be a reply to."""


@runtime_checkable
class Harness(Protocol):
    """A channel's platform, with one person in one chat. Every test gets a new one.

    `thread=True` means a second place of that chat: a thread, a topic. A platform without any has `threads = False`.
    """

    @property
    def clock(self) -> Clock: ...

    @property
    def threads(self) -> bool: ...

    @property
    def secrets(self) -> Sequence[str]:
        """Tokens and keys the channel was given."""

    @property
    def unreadable(self) -> Mapping[str, bytes]:
        """Events as the platform would send them, if it sent nonsense: an `unknown kind`, a `missing field`, a
        `wrong type`, a `deep` one, a `huge` one, and any others."""

    async def open(self, receive: Receive) -> Channel:
        """A new object of the channel, connected to the stand-in that was there before, its routes mounted.

        It does not run yet. Called again for a restart, when the one before was cancelled.
        """

    async def listening(self) -> None:
        """Returns when the channel that runs can hear what happens."""

    async def say(self, words: str, *, thread: bool = False) -> None:
        """The person writes. Returns when the platform has it: the channel is told later, as there."""

    async def again(self) -> None:
        """The platform sends the last event twice more, at the same time."""

    async def lose(self) -> None:
        """The next event's first delivery gets lost; the platform tries again, and may mark that as a retry."""

    async def echo(self) -> None:
        """The platform tells the channel of a message of its own account, and of one by another bot."""

    async def bring(self, raw: bytes) -> None:
        """The platform sends this event, with all the proofs it sends."""

    def owed(self) -> int:
        """Events the platform holds back or would send again, because nobody acknowledged them."""

    async def a_moment(self) -> None:
        """What is under way comes a little further: real time passes, and virtual time if something waits for it."""


@runtime_checkable
class SendingHarness(Harness, Protocol):
    """Of a channel with `Sending`."""

    @property
    def file(self) -> Media:
        """One the channel can send."""

    @property
    def refusals(self) -> Mapping[str, NotSent]:
        """What the platform can answer, and what `send` raises then. Each of the four errors, and both scopes of
        `Forbidden`, at least once."""

    async def refuse(self, name: str) -> None:
        """The next call that shows something is answered with this one of `refusals`, and shows nothing."""

    async def unanswered(self) -> None:
        """The next call that shows something is done, and its answer gets lost."""

    async def press(self, label: str, *, thread: bool = False) -> None:
        """The person presses the button with this label that was shown last, used or not."""

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        """Oldest first; drafts among them."""

    def typing(self, *, thread: bool = False) -> bool:
        """Whether the person sees us typing, or was shown it within the last seconds."""


@runtime_checkable
class TypedHarness(SendingHarness, Protocol):
    """Of a channel without a platform: lines are typed by a person and printed for them, and nothing lies between that
    could break, repeat, lose or refuse them. `unreadable` and `refusals` are empty."""

    @property
    def typed(self) -> Sequence[str]:
        """Lines, oldest first."""


@runtime_checkable
class GroupHarness(SendingHarness, Protocol):
    """Of a channel that shows something to one person of a group alone."""

    async def say_in_group(self, words: str) -> None:
        """The person writes where others read along, in a way that the channel hears."""

    def seen_in_group(self, *, by_others: bool) -> Sequence[Seen]:
        """As the person sees it there, or as the others do; oldest first."""


@runtime_checkable
class HookHarness(Harness, Protocol):
    """Of a channel that its platform calls over HTTP."""

    @property
    def answers(self) -> Sequence[int]:
        """Status of each answer to what the platform sent, oldest first."""

    async def forge(self, raw: bytes) -> int:
        """Somebody else sends this event, with a proof that is wrong; gives the status of the answer."""


@dataclass(slots=True)
class Inbox:
    """Implements `Receive`: the first of a key, and of a twin, counts; a token counts once."""

    fresh: list[Arrival] = field(default_factory=list)
    dead: list[Arrival] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """What was pressed and had an effect."""
    down: bool = False
    _known: dict[tuple[str, str], int] = field(default_factory=dict)

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        await asyncio.sleep(0)  # a commit takes a moment, and others come meanwhile
        if self.down:
            raise StoreDown("the store is down")
        keys = [(arrival.account, key) for key in (arrival.key, arrival.twin) if key]
        first = next((self._known[key] for key in keys if key in self._known), None)
        if first is not None:
            return Accepted(False, None, first)
        self._known.update(dict.fromkeys(keys, len(self._known) + 1))
        if arrival.unreadable:
            self.dead.append(arrival)
        elif arrival.bodies:
            self.fresh.append(arrival)
            return Accepted(True, None, len(self.fresh), now=self._now(arrival))
        return Accepted(True, None, None)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        return [await self(arrival) for arrival in arrivals]

    def _now(self, arrival: Arrival) -> Toast | None:
        for body in arrival.bodies:
            if isinstance(body, Pressed):
                if body.token in self.tokens:
                    return Toast("That was chosen already.")
                self.tokens.append(body.token)
        return None

    def heard(self) -> list[str]:
        """What people said."""
        return [written(body.message) for arrival in self.fresh for body in arrival.bodies if isinstance(body, Said)]


@dataclass(slots=True)
class Bench:
    """The channel at work, and an inbox behind it."""

    harness: Harness
    inbox: Inbox = field(default_factory=Inbox)
    patience: float = STUCK
    """Seconds of real time."""
    channel: Channel = field(init=False)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.channel = await self.harness.open(self.inbox)
        self._task = asyncio.create_task(self.channel.run(self.inbox))
        listening = asyncio.ensure_future(self.harness.listening())
        await asyncio.wait((self._task, listening), timeout=self.patience, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            assert self._task.done(), "the channel never listened"
            self._task.result()  # why it ended
        listening.result()

    async def stop(self) -> None:
        """Cancel it; it must return promptly, and not because it had failed before."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        done, _ = await asyncio.wait((task,), timeout=self.patience / 2)
        assert done, "`run` does not end when it is cancelled"
        if not task.cancelled():
            task.result()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.patience
        while not holds():
            assert loop.time() < end, f"never came: {what}"
            if self._task is not None and self._task.done():
                self._task.result()
                raise AssertionError("`run` returned by itself")
            await self.harness.a_moment()

    async def hears(self, *said: str) -> None:
        """Nothing else has been said, and nothing is still to be acknowledged."""
        await self.until(lambda: len(self.inbox.heard()) >= len(said) and not self.harness.owed(), repr(said))
        assert self.inbox.heard() == list(said)

    async def place(self, *, thread: bool = False) -> Address:
        """Where the person is, as the channel says when it hears them."""
        before = len(self.inbox.fresh)
        await self.harness.say("hello", thread=thread)
        await self.until(lambda: len(self.inbox.fresh) > before and not self.harness.owed(), "hello")
        return self.inbox.fresh[-1].to

    async def sends(self, to: Address, message: Message, key: str) -> Receipt:
        """As the outbox does: what may work later is tried later."""
        assert isinstance(self.channel, Sending)
        for _ in range(20):
            try:
                return await self.channel.send(to, message, key=key)
            except TryLater:
                await self.harness.a_moment()
        raise AssertionError("the platform is never ready")

    def out(self) -> SendingHarness | None:
        """None: readers of this channel tail the log, and it sends nothing."""
        if not isinstance(self.channel, Sending):
            return None
        assert isinstance(self.harness, SendingHarness), "a channel that sends needs a SendingHarness"
        return self.harness


class ChannelContract:
    """Subclasses give the fixture `harness`."""

    patience = STUCK

    @pytest.fixture
    async def bench(self, harness: Harness) -> AsyncIterator[Bench]:
        bench = Bench(harness, patience=self.patience)
        await bench.start()
        yield bench
        await bench.stop()

    async def test_c0_what_it_says_it_can_it_offers(self, bench: Bench) -> None:
        can = bench.channel.capabilities(await bench.place())
        assert can.text.most > 0
        assert set(can.pace.apart if can.pace else ()) <= {"edit", "typing"}, "pace"
        if bench.out() is None:
            return
        assert not (can.stream != "whole" and not isinstance(bench.channel, Streaming)), "stream"
        assert not (can.typing_every is not None and not isinstance(bench.channel, Typing)), "typing_every"
        assert not ({"edit", "delete", "react"} & can.can and not isinstance(bench.channel, Editing)), "can"

    async def test_c1_messages_of_its_own_and_of_other_bots_are_ignored(self, bench: Bench) -> None:
        await bench.harness.echo()
        await bench.harness.say("a person")
        await bench.hears("a person")

    async def test_c2_an_event_that_comes_again_is_one_event(self, bench: Bench) -> None:
        await bench.harness.say("once")
        await bench.hears("once")
        await bench.harness.again()
        await bench.harness.say("and no more")
        await bench.hears("once", "and no more")

    async def test_c2_also_after_a_restart(self, bench: Bench) -> None:
        await bench.harness.say("once")
        await bench.hears("once")
        await bench.stop()
        await bench.start()
        await bench.harness.again()
        await bench.harness.say("and no more")
        await bench.hears("once", "and no more")

    async def test_c3_a_retry_of_what_never_arrived_is_accepted(self, bench: Bench) -> None:
        await bench.harness.lose()
        await bench.harness.say("lost on the way")
        await bench.hears("lost on the way")

    async def test_c4_what_is_not_stored_is_not_acknowledged(self, bench: Bench) -> None:
        bench.inbox.down = True
        await bench.harness.say("keep this")
        await bench.until(lambda: bench.harness.owed() > 0, "an event that is owed")
        for _ in range(5):
            await bench.harness.a_moment()
        assert bench.harness.owed() > 0
        if isinstance(bench.harness, HookHarness):
            assert set(bench.harness.answers) == {503}
        bench.inbox.down = False
        await bench.hears("keep this")

    async def test_c5_what_is_not_signed_is_refused_before_it_is_read(self, bench: Bench) -> None:
        if isinstance(bench.harness, HookHarness):
            for raw in (*bench.harness.unreadable.values(), b"{", b"", b"\xff\x00"):
                assert await bench.harness.forge(raw) in ((401, 413) if len(raw) > 100_000 else (401,)), raw[:80]
        await bench.harness.say("signed")
        await bench.hears("signed")
        assert bench.inbox.dead == []

    async def test_c6_what_cannot_be_read_is_kept_and_harms_nobody(self, bench: Bench) -> None:
        unreadable = bench.harness.unreadable
        if isinstance(bench.harness, TypedHarness):
            assert not unreadable
            return
        assert set(unreadable) >= {"unknown kind", "missing field", "wrong type", "huge", "deep"}
        for at, (name, raw) in enumerate(unreadable.items()):
            before = len(bench.inbox.dead)
            await bench.harness.bring(raw)
            await bench.harness.say(f"after {name}")
            await bench.until(lambda expected=at + 1: len(bench.inbox.heard()) >= expected, f"words after {name}")  # type: ignore[misc]
            await bench.until(lambda: not bench.harness.owed(), f"acknowledgement of {name}")
            if bench.out() is None and isinstance(bench.harness, HookHarness):  # its client is ours, and is told
                assert sum(400 <= status < 500 for status in bench.harness.answers) == at + 1, name
            elif name != "huge":  # a door may turn that away before it is read
                assert len(bench.inbox.dead) == before + 1, f"{name} is no dead letter"
        assert bench.inbox.heard() == [f"after {name}" for name in unreadable]

    async def test_c7_an_address_survives_the_way_in_and_out(self, bench: Bench) -> None:
        out = bench.out()
        here = await bench.place(thread=bench.harness.threads)
        elsewhere = await bench.place() if bench.harness.threads else None
        assert here != elsewhere
        if out is None:
            return
        thread = out.threads
        can, channel = bench.channel.capabilities(here), bench.channel
        receipt = await bench.sends(here, text("words"), "c7.0")
        await bench.until(lambda: [one.text for one in out.seen(thread=thread)] == ["words"], "words")
        assert receipt.refs
        if can.buttons:
            ask = Message((Choices((Option("Yes", "/yes", _token(7)),), "Sure?", "buttons"),))
            await bench.sends(here, ask, "c7.1")
            await bench.until(lambda: out.seen(thread=thread)[-1].buttons == ("Yes",), "a button")
            await out.press("Yes", thread=thread)
            await bench.until(lambda: bench.inbox.tokens == [_token(7)], "a press")
            assert bench.inbox.fresh[-1].to == here
        if Media in can.parts:
            await bench.sends(here, Message((out.file,)), "c7.2")
            await bench.until(lambda: out.seen(thread=thread)[-1].files == 1, "a file")
        if "edit" in can.can:
            assert isinstance(channel, Editing)
            await channel.edit(here, receipt.refs[0], text("other words"), key="c7.3")
            await bench.until(lambda: out.seen(thread=thread)[0].text == "other words", "the edit")
        if can.typing_every is not None:
            assert isinstance(channel, Typing)
            await channel.typing(here)
            await bench.until(lambda: out.typing(thread=thread), "typing")
        if thread:
            assert list(out.seen()) == []
            assert not out.typing()

    @pytest.mark.parametrize("part", ["text", "choices", "list", "card", "carousel", "table", "form", "sources"])
    async def test_c8_the_longest_piece_of_every_part_is_accepted(self, bench: Bench, part: str) -> None:
        await self._accepted(bench, LONG[part])

    @pytest.mark.parametrize("part", ["notice", "location", "vcard", "rating", "raw", "mentions"])
    async def test_c8_also_of_the_smaller_ones(self, bench: Bench, part: str) -> None:
        await self._accepted(bench, LONG[part])

    async def test_c8_also_of_a_file(self, bench: Bench) -> None:
        out = bench.out()
        if out is not None:
            await self._accepted(bench, replace(out.file, caption=_WORDS, alt="What is to be seen on it. " * 40))

    async def _accepted(self, bench: Bench, part: Part) -> None:
        out = bench.out()
        if out is None:
            return
        to = await bench.place()
        pieces = fit(Message((part,), "en"), bench.channel.capabilities(to)).pieces
        assert pieces
        longest = max(pieces, key=lambda piece: len(words(piece)))
        for at, piece in enumerate(dict.fromkeys((id(longest), id(pieces[-1])))):
            shown = next(each for each in pieces if id(each) == piece)
            before = len(out.seen())
            await bench.sends(to, shown, f"c8.{at}")
            await bench.until(lambda before=before: len(out.seen()) > before, "the piece")  # type: ignore[misc]

    async def test_c9_each_error_of_the_platform_becomes_the_right_one(self, bench: Bench) -> None:
        out = bench.out()
        if out is None:
            return
        if isinstance(out, TypedHarness):
            assert not out.refusals
            return
        scopes = {error.scope for error in out.refusals.values() if isinstance(error, Forbidden)}
        assert scopes == {"address", "account"}
        assert {type(error) for error in out.refusals.values()} == {Forbidden, Unshowable, TryLater, Unreachable}
        to, channel = await bench.place(), bench.channel
        assert isinstance(channel, Sending)
        for name, expected in out.refusals.items():
            await out.refuse(name)
            with pytest.raises(NotSent) as raised:
                await channel.send(to, text("words"), key=f"c9.{name}")
            assert _told(raised.value) == _told(expected), name
            assert str(raised.value), f"{name} says nothing to whoever reads the log"
        assert list(out.seen()) == []
        await bench.sends(to, text("words"), "c9")
        await bench.until(lambda: [one.text for one in out.seen()] == ["words"], "words after the errors")

    async def test_c10_a_draft_settles_to_the_full_text_once(self, bench: Bench) -> None:
        out = bench.out()
        to, channel = await bench.place(), bench.channel
        if out is None or channel.capabilities(to).stream == "whole":
            return
        assert isinstance(channel, Streaming)
        assert isinstance(channel, Sending)
        shown = None
        for so_far in ("It is", "It is **on", "It is **on its** way"):
            shown = await channel.show(to, so_far, key="c10", shown=shown)
            await self._pause(bench)
        await bench.until(lambda: len(out.seen()) == 1, "the draft")
        final = Message((Text(markup.parse("It is **on its** way to you.")),))
        await channel.send(to, final, key="c10.0", shown=shown)
        await bench.until(lambda: [one.text for one in out.seen()] == ["It is on its way to you."], "the full text")

    @pytest.mark.parametrize("say", [None, "A colleague takes over."])
    async def test_c10_a_draft_that_is_dropped_leaves_nothing_or_its_notice(
        self, bench: Bench, say: str | None
    ) -> None:
        out = bench.out()
        to, channel = await bench.place(), bench.channel
        if out is None or channel.capabilities(to).stream == "whole":
            return
        assert isinstance(channel, Streaming)
        shown = await channel.show(to, "It is on its", key="c10", shown=None)
        await self._pause(bench)
        await channel.drop(to, shown, say=say)
        await bench.until(lambda: [one.text for one in out.seen()] == ([say] if say else []), "what is left of it")

    async def _pause(self, bench: Bench) -> None:
        """As long as the core waits between two shows."""
        start, every = bench.harness.clock.now(), bench.channel.capabilities(bench.inbox.fresh[-1].to).stream_every
        while bench.harness.clock.now() - start < every:
            await bench.harness.a_moment()

    async def test_c11_an_unknown_outcome_is_resolved_as_it_says(self, bench: Bench) -> None:
        out = bench.out()
        if out is None:
            return
        to, channel = await bench.place(), bench.channel
        assert isinstance(channel, Sending)
        await out.unanswered()
        with contextlib.nullcontext() if isinstance(out, TypedHarness) else pytest.raises(Unreachable):
            await channel.send(to, text("words"), key="c11")
        await bench.harness.a_moment()
        receipt = await channel.send(to, text("words"), key="c11", again=True)
        await bench.sends(to, text("and more"), "c11.1")
        await bench.until(lambda: bool(out.seen()) and out.seen()[-1].text == "and more", "and more")
        times = [one.text for one in out.seen()].count("words")
        assert times == 1 or (times == 2 and channel.capabilities(to).resend == "blind")
        assert receipt.refs

    async def test_c12_cancelling_it_leaves_nothing_behind(self, harness: Harness) -> None:
        bench = Bench(harness, patience=self.patience)
        tasks, sockets = asyncio.all_tasks(), _sockets()
        await bench.start()
        await harness.say("hello")
        await bench.hears("hello")
        await bench.stop()
        await bench.until(lambda: asyncio.all_tasks() <= tasks, "the end of all its tasks")
        await bench.until(lambda: _sockets() <= sockets, "the end of all its sockets")

    async def test_c13_a_button_pressed_twice_has_one_effect(self, bench: Bench) -> None:
        out = bench.out()
        to = await bench.place()
        if out is None or bench.channel.capabilities(to).buttons is None:
            return
        ask = Message((Choices((Option("Yes", "/yes", _token(1)), Option("No", "/no", _token(2))), "Sure?"),))
        await bench.sends(to, ask, "c13")
        await bench.until(lambda: bool(out.seen()) and "Yes" in out.seen()[-1].buttons, "the buttons")
        for _ in range(2):
            await out.press("Yes")
        await out.say("done")
        await bench.until(lambda: "done" in bench.inbox.heard() and not out.owed(), "both presses")
        await bench.until(lambda: bool(bench.inbox.tokens), "one of them")
        assert bench.inbox.tokens == [_token(1)]

    async def test_c15_a_reply_shows_what_it_answers(self, bench: Bench) -> None:
        out = bench.out()
        to, channel = await bench.place(), bench.channel
        if out is None or "reply_to" not in channel.capabilities(to).can:
            return
        assert isinstance(channel, Sending)
        first = await bench.sends(to, text("the question"), "c15.0")
        receipt = await channel.send(to, text("words"), key="c15.1", reply_to=first.refs[0])
        await bench.until(lambda: [one.answers for one in out.seen()] == ["", "the question"], "the reply")
        assert receipt.refs

    async def test_c15_what_it_answers_may_be_gone(self, bench: Bench) -> None:
        out = bench.out()
        to, channel = await bench.place(), bench.channel
        if out is None or not {"reply_to", "delete"} <= channel.capabilities(to).can:
            return
        assert isinstance(channel, Sending)
        assert isinstance(channel, Editing)
        first = await bench.sends(to, text("the question"), "c15.0")
        await channel.delete(to, first.refs[0])
        await channel.send(to, text("words"), key="c15.1", reply_to=first.refs[0])
        await bench.until(lambda: [(one.text, one.answers) for one in out.seen()] == [("words", "")], "the words alone")

    async def test_c16_what_is_for_one_person_nobody_else_sees(self, bench: Bench) -> None:
        harness, channel = bench.harness, bench.channel
        if not isinstance(harness, GroupHarness):
            assert "private_note" not in channel.capabilities(await bench.place()).can, "it needs a GroupHarness"
            return
        await harness.say_in_group("hello, all")
        await bench.until(lambda: bool(bench.inbox.fresh) and not harness.owed(), "hello, all")
        heard = bench.inbox.fresh[-1]
        assert channel.capabilities(heard.to).shared
        assert "private_note" in channel.capabilities(heard.to).can
        await bench.sends(heard.to, text("for all"), "c16.0")
        await bench.sends(heard.to, replace(text("a secret"), only_for=heard.by), "c16.1")
        await bench.until(lambda: len(harness.seen_in_group(by_others=False)) == 2, "both")
        assert [one.text for one in harness.seen_in_group(by_others=False)] == ["for all", "a secret"]
        assert [one.text for one in harness.seen_in_group(by_others=True)] == ["for all"]

    async def test_c14_no_secret_is_in_any_log_line(
        self,
        harness: Harness,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        told = list[str]()
        with caplog.at_level(0):
            bench = Bench(harness, patience=self.patience)
            await bench.start()
            to = await bench.place()
            told.append(repr(bench.channel))
            for raw in harness.unreadable.values():
                await harness.bring(raw)
                if isinstance(harness, HookHarness):
                    await harness.forge(raw)
            out = bench.out()
            for name in out.refusals if out else ():
                assert out is not None
                assert isinstance(bench.channel, Sending)
                await out.refuse(name)
                with contextlib.suppress(NotSent):
                    try:
                        await bench.channel.send(to, text("words"), key=f"c14.{name}")
                    except NotSent as error:
                        told += _chain(error)
                        raise
            bench.inbox.down = True
            await harness.say("while the store is down")
            await bench.until(lambda: harness.owed() > 0, "an event that is owed")
            bench.inbox.down = False
            await bench.until(lambda: not harness.owed(), "its acknowledgement")
            await bench.stop()
        captured = capfd.readouterr()
        told += [caplog.text, captured.out, captured.err]
        assert harness.secrets or not isinstance(harness, HookHarness), "a hook without a secret is open to everybody"
        assert [secret for secret in harness.secrets if any(secret in line for line in told)] == []


def _token(number: int) -> str:
    """As long as the core's."""
    return f"{number:022}"


def _told(error: NotSent) -> tuple[object, ...]:
    """What the outbox goes by."""
    return type(error), getattr(error, "scope", None), getattr(error, "after", None)


def _chain(error: BaseException | None) -> list[str]:
    told = list[str]()
    while error is not None:
        told += [str(error), repr(error)]
        error = error.__cause__
    return told


def _sockets() -> int:
    """Open ones of this process; 0 where the system does not tell."""
    found = 0
    with contextlib.suppress(OSError):
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                found += os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    return found


_WORDS = "Long words for people with patience: 👩‍👩‍👧 & <tags>, *stars*, _lines_, `ticks`.\n\n" * 80
_OPTIONS = tuple(
    Option(f"{number}. a choice with a long label, as people make them {number}", f"/set n={number}", _token(number))
    for number in range(40)
)
_CARD = Card("A title that says very much about very little " * 6, "About it. " * 300, "19.90 €", _OPTIONS[:3])
_FIELDS = tuple(Field(f"field_{number}", f"What do you say to question {number}? " * 3) for number in range(12))

LONG: Mapping[str, Part] = {
    "text": Text(
        (
            Span("Heading", ("heading",)),
            Span("\n\n" + _WORDS),
            Span("bold and more " * 60, ("bold", "italic")),
            Span("a link " * 40, (), "https://example.org/a?b=c&d=(e)"),
            Span("\n\n" + "• an item of a list\n" * 200, ("item",)),
            Span("\n\n" + "quoted by somebody\n" * 100, ("quote",)),
            Span("\n\n" + "if x < 1 && y:\n    pass  # ```\n" * 300, ("fence",)),
            Span("\n\nend", ("code",)),
        )
    ),
    "choices": Choices(_OPTIONS[:4], _WORDS, "buttons"),
    "list": Choices(_OPTIONS, "Which of them?", "list"),
    "card": _CARD,
    "carousel": Carousel(tuple(replace(_CARD, title=f"{number} {_CARD.title}", options=()) for number in range(12))),
    "table": Table(
        tuple(f"column {number}" for number in range(24)),
        tuple(tuple(f"cell {row}.{column} | of it" for column in range(24)) for row in range(120)),
        "A table",
    ),
    "form": Form(_FIELDS, "A form " * 20, "Send it to us now, please, when you are ready", _token(50)),
    "sources": Sources(
        tuple(Source(f"Source {n} " * 10, "A passage. " * 40, f"https://example.org/{n}") for n in range(60))
    ),
    "notice": Notice("notice", _WORDS),
    "location": Location(48.8566, 2.3522, "A place with a long name " * 60),
    "vcard": VCard("A person with a long name " * 20, "+33 1 23 45 67 89", "somebody@example.org"),
    "rating": Rating(_WORDS, 5),
    "raw": Raw("another platform", {"unknown": True}, _WORDS),
    "mentions": Text((Span("@everyone @here <!channel> <!here> <@U123> <@&123> @name " * 200),)),
}
"""One of every part, as long as it gets."""
