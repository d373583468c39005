"""What a customer on a platform sees of a turn while it is taken: that somebody writes, and the draft as it grows.

All of it is courtesy. What must not go wrong is that a draft and the answer stand beside each other: so the draft's
place on the platform is kept in the store, and goes with the commit to the message that settles it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from bot.errors import NotSent, StoreDown, TryLater
from bot.model import Address, ConversationId, Turn
from bot.pace import Pacer
from bot.ports import Channel, Clock, Shown, Store, Streaming, Typing
from bot.powers import DraftStream
from bot.units import DraftOf, DropDraft, PutDraft
from bot.waiting import unbroken, within

log = structlog.get_logger()

FIRST = 0.3
"""Seconds after which a turn is told of: most are over by then."""
TICK = 0.2
PATIENCE = timedelta(seconds=10)
"""For one call of a channel."""


class Live:
    def __init__(self, channels: Sequence[Channel], *, store: Store, clock: Clock, pacer: Pacer) -> None:
        self._channels: Mapping[tuple[str, str], Channel] = {
            (channel.name, channel.account): channel for channel in channels if isinstance(channel, Streaming | Typing)
        }
        self._store, self._clock, self._pacer = store, clock, pacer

    def watch(self, turn: Turn, stream: DraftStream) -> Watch | None:
        """None where the platform shows nothing of it, or somebody else has the floor."""
        to = turn.conversation.address
        channel = self._channels.get((to.channel, to.account))
        if channel is None or turn.conversation.control.state != "bot":
            return None
        return Watch(channel, turn, stream, self._store, self._clock, self._pacer)

    async def drop(self, conversation: ConversationId, to: Address, shown: Shown, say: str | None = None) -> None:
        """Take a draft back, or leave words in its place; what fails is tried again by whoever finds it stranded."""
        channel: object = self._channels.get((to.channel, to.account))
        if not isinstance(channel, Streaming):
            return
        try:
            await within(self._clock, PATIENCE, channel.drop(to, shown, say=say))
        except TryLater as later:
            log.warning("live.not_dropped", conversation=conversation, why=later)
            return
        except (NotSent, TimeoutError) as error:  # it is gone by itself, or will stand there
            log.warning("live.not_dropped", conversation=conversation, why=error)
        await self._store.write(DropDraft(conversation))

    @property
    def streams(self) -> frozenset[tuple[str, str]]:
        """Accounts that show drafts."""
        return frozenset(place for place, channel in self._channels.items() if isinstance(channel, Streaming))


class Watch:
    """Of one attempt at one turn."""

    def __init__(
        self, channel: Channel, turn: Turn, stream: DraftStream, store: Store, clock: Clock, pacer: Pacer
    ) -> None:
        self.shown: Shown | None = None
        """What stands on the platform now."""
        self.to = turn.conversation.address
        self._channel, self._turn, self._stream = channel, turn, stream
        self._store, self._clock, self._pacer = store, clock, pacer
        self._can = channel.capabilities(self.to)
        self._streams = isinstance(channel, Streaming) and self._can.stream != "whole"
        self._recalled = not self._streams or turn.attempt == 1
        self._typed_at = self._shown_at = float("-inf")
        self._busy = asyncio.Lock()
        self._task = asyncio.create_task(self._run())

    @property
    def seen(self) -> str:
        return self.shown.text if self.shown else ""

    async def settle(self) -> Shown | None:
        """Shows no more; gives what stands there, for the message that takes its place."""
        self.close()
        async with self._busy:  # what is on the wire has to be known
            await self._recall()
            return self.shown

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            async with self._busy:
                await self._recall()
            await self._clock.sleep(FIRST)
            while True:
                await unbroken(self._tell())
                await self._clock.sleep(TICK)
        except StoreDown as down:
            log.error("live.store_down", conversation=self._turn.conversation.id, why=down)
        except Exception:
            log.exception("live.failed", conversation=self._turn.conversation.id)

    async def _recall(self) -> None:
        """The draft that an earlier attempt at this turn has left, once; also where the answer is there at once."""
        if not self._recalled:
            self.shown = await self._store.read(DraftOf(self._turn.conversation.id, self._turn.id))
            self._recalled = True

    async def _tell(self) -> None:
        async with self._busy:
            now, text = self._clock.monotonic(), self._stream.text
            every = self._can.stream_every.total_seconds()
            if self._streams and text and text != self.seen and now - self._shown_at >= every:
                await self._show(text)
            elif (pulse := self._can.typing_every) and now - self._typed_at >= pulse.total_seconds() and not self.shown:
                await self._type()

    async def _type(self) -> None:
        if isinstance(self._channel, Typing) and self._pacer.may(self.to, self._can.pace, "typing"):
            self._typed_at = self._clock.monotonic()
            try:
                await within(self._clock, PATIENCE, self._channel.typing(self.to))
            except (NotSent, TimeoutError) as error:
                log.info("live.not_typed", channel=self.to.channel, account=self.to.account, why=error)

    async def _show(self, text: str) -> None:
        assert isinstance(self._channel, Streaming)
        if not self._pacer.may(self.to, self._can.pace, "edit"):
            return
        conversation, key = self._turn.conversation.id, f"{self._turn.conversation.id}.{self._turn.id}"
        self._shown_at = self._clock.monotonic()
        try:
            shown = await within(self._clock, PATIENCE, self._channel.show(self.to, text, key=key, shown=self.shown))
        except TryLater as later:
            if later.after:
                account = later.scope == "account"
                self._pacer.hold(self.to, later.after, account=account, pace=self._can.pace, rank="edit")
            return
        except (NotSent, TimeoutError) as error:  # the answer comes whole
            log.warning("live.not_shown", conversation=conversation, why=error)
            self._streams = False
            return
        before, self.shown = self.shown, shown
        if before is None or before.ref != shown.ref:
            await self._store.write(PutDraft(conversation=conversation, to=self.to, turn=self._turn.id, shown=shown))
