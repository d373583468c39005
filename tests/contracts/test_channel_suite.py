"""The suite of channels catches each way to be wrong: a channel with one mistake fails the rule that forbids it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.errors import NotSent, StoreDown, Unreachable, Unshowable
from bot.model import Address, Message, Pressed, text
from bot.ports import Accepted, Arrival, Receipt, Receive, Shown
from bot.testing.channel import Bench, ChannelContract
from channels.memory import Memory, Post
from tests.channels.harness.memory import GROUP, MemoryGroup


class HearsItself(Memory):
    async def bring(self, raw: bytes) -> Accepted:
        try:
            post = msgspec.json.decode(raw, type=Post)
        except msgspec.MsgspecError:
            return await super().bring(raw)
        return await super().bring(msgspec.json.encode(replace(post, bot=False)))


class CountsItsOwnKeys(Memory):
    async def _take(self, arrival: Arrival) -> Accepted:
        self._keys += 1
        return await super()._take(replace(arrival, key=str(self._keys)))


class ForgetsWhatIsRefused(Memory):
    async def bring(self, raw: bytes) -> Accepted:
        try:
            return await super().bring(raw)
        except StoreDown:
            return Accepted(True, None, None)


class DropsWhatItCannotRead(Memory):
    async def _take(self, arrival: Arrival) -> Accepted:
        return await super()._take(replace(arrival, unreadable=""))


class LeavesTheThread(Memory):
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
        where = replace(to, thread="")
        return await super().send(where, message, key=key, again=again, shown=shown, reply_to=reply_to)


class KnowsOneError(Memory):
    async def send(self, *args: Any, **named: Any) -> Receipt:
        try:
            return await super().send(*args, **named)
        except NotSent as error:
            raise Unreachable(str(error)) from error


class LeavesItsDrafts(Memory):
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
        draft = self.drafts.get(to)
        receipt = await super().send(to, message, key=key, again=again)
        if draft:
            self.drafts[to] = draft
        return receipt

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        self.sent.append(self.sent[-1] if self.sent else await self._said(to, say or "nothing"))

    async def _said(self, to: Address, say: str) -> Any:
        await super().send(to, text(say), key="drop")
        return self.sent.pop()


class SendsTwice(Memory):
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
        return await super().send(to, message, key=f"{key}+{len(self.calls)}", again=again, shown=shown)


class AnswersNothing(Memory):
    async def send(self, *args: Any, **named: Any) -> Receipt:
        return await super().send(*args, **named | {"reply_to": ""})


class NeedsWhatItAnswers(Memory):
    async def send(self, *args: Any, **named: Any) -> Receipt:
        if named.get("reply_to") not in (None, "", *(sent.key for sent in self.sent)):
            raise Unshowable("there is no such message")
        return await super().send(*args, **named)


class TellsAll(Memory):
    async def send(self, to: Address, message: Message, **named: Any) -> Receipt:
        return await super().send(to, replace(message, only_for=""), **named)


_left = set[asyncio.Task[Any]]()


class LeavesATask(Memory):
    async def run(self, receive: Receive) -> None:
        _left.add(asyncio.create_task(asyncio.sleep(60)))
        await super().run(receive)


class NeverEnds(Memory):
    async def run(self, receive: Receive) -> None:
        running = asyncio.ensure_future(super().run(receive))
        while True:
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                if running in _left:
                    raise
                _left.add(running)


class ReadsLabels(Memory):
    async def _take(self, arrival: Arrival) -> Accepted:
        bodies = tuple(Pressed(body.label) if isinstance(body, Pressed) else body for body in arrival.bodies)
        return await super()._take(replace(arrival, bodies=bodies))


class TellsItsSecret(Memory):
    async def run(self, receive: Receive) -> None:
        logging.getLogger("memory").debug("connecting with %s", "no secret at all")
        await super().run(receive)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (HearsItself, "test_c1_messages_of_its_own_and_of_other_bots_are_ignored"),
        (CountsItsOwnKeys, "test_c2_an_event_that_comes_again_is_one_event"),
        (CountsItsOwnKeys, "test_c2_also_after_a_restart"),
        (ForgetsWhatIsRefused, "test_c4_what_is_not_stored_is_not_acknowledged"),
        (DropsWhatItCannotRead, "test_c6_what_cannot_be_read_is_kept_and_harms_nobody"),
        (LeavesTheThread, "test_c7_an_address_survives_the_way_in_and_out"),
        (KnowsOneError, "test_c9_each_error_of_the_platform_becomes_the_right_one"),
        (LeavesItsDrafts, "test_c10_a_draft_settles_to_the_full_text_once"),
        (LeavesItsDrafts, "test_c10_a_draft_that_is_dropped_leaves_nothing_or_its_notice"),
        (SendsTwice, "test_c11_an_unknown_outcome_is_resolved_as_it_says"),
        (LeavesATask, "test_c12_cancelling_it_leaves_nothing_behind"),
        (NeverEnds, "test_c12_cancelling_it_leaves_nothing_behind"),
        (ReadsLabels, "test_c13_a_button_pressed_twice_has_one_effect"),
        (AnswersNothing, "test_c15_a_reply_shows_what_it_answers"),
        (NeedsWhatItAnswers, "test_c15_what_it_answers_may_be_gone"),
        (TellsAll, "test_c16_what_is_for_one_person_nobody_else_sees"),
        (TellsItsSecret, "test_c14_no_secret_is_in_any_log_line"),
    ],
)
async def test_a_channel_with_a_mistake_fails(
    wrong: type[Memory], rule: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    harness, suite = MemoryGroup(GROUP, make=wrong), ChannelContract()
    suite.patience = 0.3
    bench = Bench(harness, patience=suite.patience)
    test: Callable[..., Any] = getattr(suite, rule)
    offered = {"bench": bench, "harness": harness, "say": None, "caplog": caplog, "capfd": capfd}
    asked = {name: offered[name] for name in inspect.signature(test).parameters}
    if "bench" in asked:
        await bench.start()
    with pytest.raises((AssertionError, NotSent)):
        await test(**asked)
    await bench.stop()
    for task in _left:
        task.cancel()
    await asyncio.gather(*_left, return_exceptions=True)
    _left.clear()
