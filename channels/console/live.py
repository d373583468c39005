"""What all open consoles of this process share: rows that changed, drafts being written, who looks at what.

The log is the truth and the bus only a hint: what is lost on it is read from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from typing import Protocol

import structlog

from bot.desk import author
from bot.errors import StoreDown
from bot.model import Controlled, ConversationId
from bot.ports import Bus, Clock, Drafted, DraftReset, Happened, News, Store
from bot.units import Agent, QueueRow
from channels.console.frames import ServerFrame, Typing, Viewers
from channels.console.rows import find_row
from channels.console.sign_in import Present

log = structlog.get_logger()

ROW_EVERY = 0.1
"""Seconds between two readings of the same row."""
_TRY_AGAIN = 1.0
_MOST_CHANGED = 10_000
_MOST_DRAFTS = 1_000


class Viewing(Protocol):
    """An open console, as the others need to know it. None of these waits or raises."""

    @property
    def present(self) -> Present: ...

    @property
    def watched(self) -> Collection[ConversationId]: ...

    def put(self, frame: ServerFrame) -> None: ...

    def put_row(self, row: QueueRow) -> None: ...

    def cut(self) -> None:
        """It may have missed something: let it come again and ask."""

    def sign_out(self) -> None: ...


class Live:
    """A row that changed is read once, however many look on."""

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._screens: set[Viewing] = set()
        self._changed: dict[ConversationId, None] = {}
        """In order; the values mean nothing."""
        self._more = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._drafts: OrderedDict[ConversationId, Drafted] = OrderedDict()
        self._stop = bus.listen(None, self._hear)

    def close(self) -> None:
        """Listen no more."""
        self._stop()

    def draft(self, conversation: ConversationId) -> Drafted | None:
        """What is being written now, from its first character on."""
        return self._drafts.get(conversation)

    @contextlib.asynccontextmanager
    async def shown(self, screen: Viewing) -> AsyncIterator[None]:
        """While this lasts the screen is told of every row that changes."""
        self._screens.add(screen)
        if self._pump is None:
            self._pump = asyncio.create_task(self._tell_rows())
            self._pump.add_done_callback(self._stopped_telling)
        try:
            yield
        finally:
            self._screens.discard(screen)
            if not self._screens and self._pump is not None:
                pump, self._pump = self._pump, None
                self._changed.clear()
                pump.cancel()
                await asyncio.wait({pump})

    def shown_under(self, digest: bytes) -> int:
        """How many screens one sign-in has open."""
        return sum(screen.present.sign_in.digest == digest for screen in self._screens)

    def sign_out(self, digest: bytes) -> None:
        for screen in self._screens:
            if screen.present.sign_in.digest == digest:
                screen.sign_out()

    def tell_typing(self, conversation: ConversationId, agent: Agent, seconds: float) -> None:
        """To the colleagues who have it open, and to nobody else."""
        typing = Typing(conversation, author(agent), seconds)
        for screen in self._screens:
            if conversation in screen.watched and screen.present.agent.id != agent.id:
                screen.put(typing)

    def tell_viewers(self, conversation: ConversationId) -> None:
        """To each who has it open: the others."""
        watching = [screen for screen in self._screens if conversation in screen.watched]
        names = {screen.present.agent.id: screen.present.agent.name for screen in watching}
        for screen in watching:
            others = (name for agent, name in names.items() if agent != screen.present.agent.id)
            screen.put(Viewers(conversation, tuple(sorted(others))))

    def _hear(self, news: News) -> None:
        match news:
            case Happened(conversation, events):
                draft = self._drafts.get(conversation)
                if draft and any(event.turn == draft.turn or isinstance(event.body, Controlled) for event in events):
                    del self._drafts[conversation]
                self._change(conversation)
            case Drafted():
                self._grow(news)
            case DraftReset(conversation):
                self._drafts.pop(conversation, None)
            case _:
                pass

    def _change(self, conversation: ConversationId) -> None:
        if not self._screens:
            return
        if len(self._changed) >= _MOST_CHANGED:
            self._changed.clear()
            self._cut_all()
            return
        self._changed[conversation] = None
        self._more.set()

    def _grow(self, piece: Drafted) -> None:
        held = self._drafts.pop(piece.conversation, None)
        text = held.text if held and (held.turn, held.attempt) == (piece.turn, piece.attempt) else ""
        if piece.start > len(text):
            return  # a piece is missing: nothing is shown rather than a torn text
        whole = Drafted(piece.conversation, piece.turn, piece.attempt, piece.n, 0, text[: piece.start] + piece.text)
        self._drafts[piece.conversation] = whole
        if len(self._drafts) > _MOST_DRAFTS:
            self._drafts.popitem(last=False)

    async def _tell_rows(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            conversations, self._changed = self._changed, {}
            try:
                for conversation in conversations:
                    if row := await find_row(self._store, conversation):
                        for screen in self._screens:
                            screen.put_row(row)
            except StoreDown as down:
                log.warning("console.rows", why=down)
                await self._clock.sleep(_TRY_AGAIN)
                for conversation in conversations:
                    self._change(conversation)
            await self._clock.sleep(ROW_EVERY)

    def _stopped_telling(self, pump: asyncio.Task[None]) -> None:
        if pump.cancelled() or pump.exception() is None:
            return
        log.error("console.rows", exc_info=pump.exception())
        self._pump = None
        self._cut_all()

    def _cut_all(self) -> None:
        for screen in self._screens:
            screen.cut()
