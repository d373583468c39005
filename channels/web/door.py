"""What all connections and calls of one account share."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.model import ConversationId, Media
from bot.ports import Accepted, Bus, Clock, FileStore, Random, Receive, Stopped, Store, Typed
from bot.uploads import Uploads
from channels.web.addresses import FileAddresses
from channels.web.audience import Hall, Key
from channels.web.frames import Ack, BotSpeaker, Greeting, Limits, Press, RefusedFrame, Say, Submit
from channels.web.history import History
from channels.web.intake import Intake
from channels.web.limits import Pace, Places
from channels.web.settings import WebSettings
from channels.web.tokens import Tokens, Visitor

if TYPE_CHECKING:
    from channels.web.line import Line

PING_EVERY = 10.0
_UPLOADS_AT_ONCE = 3
"""Of one visitor."""
_TYPING_SECONDS = 6.0
_TYPING_PER_MINUTE = 60
_SLOTS = 40
"""Connections take turns: in each quarter of a second a fortieth of them is looked at."""
_AT_A_TIME = 200


class Door:
    def __init__(
        self,
        settings: WebSettings,
        *,
        store: Store,
        bus: Bus,
        receive: Receive,
        clock: Clock,
        random: Random,
        secret: bytes,
        greeting: Callable[[str], Greeting],
        files: FileStore,
    ) -> None:
        limits, bot = settings.limits, BotSpeaker(settings.assistant)
        self.settings, self.bus, self.clock, self.random, self.greeting = settings, bus, clock, random, greeting
        self.taker = Uploads(files)
        self.files, self.addresses = files, FileAddresses(secret, settings.account, clock)
        self.limits = Limits(limits.text_bytes, limits.messages_per_minute, limits.file_bytes)
        self.origins = frozenset(settings.origins)
        self.tokens = Tokens(secret, settings.account, clock)
        self.history = History(account=settings.account, store=store, random=random, bot=bot, file_at=self.addresses.of)
        self.hall = Hall(bus=bus, clock=clock, bot=bot, file_at=self.addresses.of)
        self.connections = Places(limits.connections_per_address)
        self.visitors = Places(limits.connections_per_visitor)
        self.grants = Pace(limits.tokens_per_address, clock)
        self.reads = Pace(limits.reads_per_address, clock)
        self.uploads = Pace(limits.files_per_minute, clock)
        self.uploads_of_address = Pace(limits.files_per_address, clock)
        self.uploading = Places(_UPLOADS_AT_ONCE)
        self.downloads = Pace(limits.downloads_per_address, clock)
        self._signals = Pace(_TYPING_PER_MINUTE, clock)
        self._intake = Intake(account=settings.account, receive=receive, clock=clock, limits=limits)
        self._slots: tuple[set[Line], ...] = tuple(set() for _ in range(_SLOTS))
        self._next_slot = itertools.cycle(range(_SLOTS))
        self.admits = True
        """False: the program stops, and whoever comes now is told to come again."""

    async def take(
        self, frame: Say | Press | Submit, *, raw: bytes, visitor: Visitor, thread: str, address: str
    ) -> Ack | RefusedFrame:
        """Hand a message to the inbox; whoever reads its conversation hears of it."""
        taken = await self._intake.take(frame, raw=raw, visitor=visitor, thread=thread, address=address)
        return self._taken(taken, visitor, thread)

    async def take_file(
        self, media: Media, id: str, *, raw: bytes, visitor: Visitor, thread: str, address: str
    ) -> Ack | RefusedFrame:
        """The same for a file that is kept already."""
        taken = await self._intake.take_file(media, id, raw=raw, visitor=visitor, thread=thread, address=address)
        return self._taken(taken, visitor, thread)

    def _taken(self, taken: tuple[Ack, Accepted] | RefusedFrame, visitor: Visitor, thread: str) -> Ack | RefusedFrame:
        if isinstance(taken, RefusedFrame):
            return taken
        ack, accepted = taken
        if accepted.conversation:
            self.hall.born((visitor.identity, thread), accepted.conversation, accepted.events)
        return ack

    def typing(self, conversation: ConversationId, identity: str) -> None:
        if not self._signals.take(identity):
            self.bus.publish(Typed(conversation, "customer", "", identity, _TYPING_SECONDS))

    def stop(self, conversation: ConversationId, identity: str) -> None:
        if not self._signals.take(identity):
            self.bus.publish(Stopped(conversation))

    async def conversation_of(self, key: Key) -> ConversationId | None:
        """None: nothing was said in it yet. Raises `StoreDown`."""
        if known := self.hall.conversation_of(key):
            return known
        row = await self.history.find(*key)
        return row.id if row else None

    # Connections

    def open(self, line: Line) -> int:
        """Count the connection in; it is looked at every 10 s until `close` is called with what this returns."""
        slot = next(self._next_slot)
        self._slots[slot].add(line)
        return slot

    def close(self, line: Line, slot: int) -> None:
        self._slots[slot].discard(line)

    async def run(self) -> None:
        """Ping the connections, cut the dead ones; on cancellation cut all, each may come back elsewhere."""
        due = self.clock.monotonic()
        try:
            for slot in itertools.cycle(self._slots):
                due = max(due + PING_EVERY / _SLOTS, self.clock.monotonic() - 1.0)
                await self.clock.sleep(due - self.clock.monotonic())
                self.hall.sweep(self.clock.monotonic())
                for count, line in enumerate(tuple(slot), 1):
                    line.beat()
                    if not count % _AT_A_TIME:
                        await asyncio.sleep(0)
        finally:
            for slot in self._slots:
                for line in tuple(slot):
                    line.cut(1012)
            await self.hall.close()
