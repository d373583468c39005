"""What the engine does on a responder's behalf during one turn: the quiet window, the past, the draft."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal

from bot.clean import clean
from bot.heard import edited
from bot.model import Controlled, Discarded, Event, Noted, Turn, is_input
from bot.ports import Bus, Clock, Drafted, DraftReset, Happened, News, Stopped, Store
from bot.units import Log, Unheard


class Lengthened(Exception):
    """More arrived during the quiet window: the turn is offered again with all of it."""


class DraftStream:
    """Text that streams and is not yet said, for one attempt at a turn.

    It ends when the customer stops it or control moves, and viewers then drop it at once. A human who takes over before
    its first word stops nothing: what is thought then is kept for them, and nobody sees it stream.
    """

    def __init__(self, bus: Bus, turn: Turn) -> None:
        self.text = ""
        """What was shown."""
        self._bus, self._turn, self._pieces = bus, turn, 0
        self._ended_by: Literal["customer", "control"] | None = None
        self._over = asyncio.Event()
        self._unlisten = bus.listen(turn.conversation.id, self._hear)
        if turn.attempt > 1:
            self._reset("attempt")

    def add(self, text: str) -> None:
        text = clean(text)
        if self._ended_by or not text:
            return
        turn, start = self._turn, len(self.text)
        self.text += text
        self._pieces += 1
        self._bus.publish(Drafted(turn.conversation.id, turn.id, turn.attempt, self._pieces - 1, start, text))

    @property
    def stopped(self) -> bool:
        return self._ended_by is not None and bool(self.text)

    async def over(self) -> None:
        await self._over.wait()

    @property
    def stopped_by_customer(self) -> bool:
        return self._ended_by == "customer"

    def take_back(self, why: Literal["attempt", "cancel", "control"]) -> None:
        """Nothing will be said in its place, or something else; another draft may begin."""
        if self.text and self._ended_by != "control":
            self._reset(why)
        self.text, self._pieces = "", 0
        self._over.clear()
        if self._ended_by == "customer":
            self._ended_by = None

    def close(self) -> None:
        self._unlisten()

    def _hear(self, news: News) -> None:
        match news:
            case Stopped() if self.text and not self._ended_by:
                self._ended_by = "customer"
            case Happened(events=events) if any(isinstance(event.body, Controlled) for event in events):
                if self.text and self._ended_by != "control":
                    self._reset("control")
                self._ended_by = "control"
        if self.stopped:
            self._over.set()

    def _reset(self, why: Literal["attempt", "cancel", "control"]) -> None:
        self._bus.publish(DraftReset(self._turn.conversation.id, self._turn.id, why))


class TurnPowers:
    """Implements `Powers` for one attempt at one turn."""

    def __init__(self, turn: Turn, *, store: Store, bus: Bus, clock: Clock, window: timedelta) -> None:
        self.stream = DraftStream(bus, turn)
        self._turn, self._store, self._clock, self._window = turn, store, clock, window

    async def quiet(self) -> None:
        """Counted from the last thing the customer said, so a turn taken late does not wait at all."""
        last = self._turn.inputs[-1]
        remaining = min(last.at + self._window - self._clock.now(), self._window)  # a wall clock may have been set back
        if remaining > timedelta(0):
            await self._clock.sleep(remaining.total_seconds())
        unheard = await self._store.read(Unheard(self._turn.conversation.id, self._turn.id))
        if unheard and unheard[-1].seq > last.seq:
            raise Lengthened

    async def history(self, most: int = 40) -> tuple[Event, ...]:
        """With what was said after the turn's own inputs: the answer to the turn before came when they had arrived."""
        log = Log(conversation=self._turn.conversation.id, most=most + len(self._turn.inputs), latest=True)
        past = (event for event in edited(await self._store.read(log)) if not self._is_unheard(event))
        return tuple(event for event in past if not isinstance(event.body, Noted | Discarded))[-most:]

    def draft(self) -> DraftStream:
        return self.stream

    def _is_unheard(self, event: Event) -> bool:
        return event.seq > self._turn.id and is_input(event)
