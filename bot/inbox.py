"""Accepts what a channel hears: append once, wake the engine. Nothing else stands between a customer and the log.

No model and no platform call lives here: the platform waits for this. Nor does a second transaction, but for what is
rare: a dead letter, and the time zone of a known person, once while the program runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import operator
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.clean import clean
from bot.counts import InboxCounts
from bot.errors import StoreDown
from bot.model import (
    Author,
    ContactId,
    Conversation,
    ConversationId,
    Echoed,
    Halted,
    Incoming,
    Pressed,
    Said,
    Span,
    State,
    Submitted,
    Text,
)
from bot.people import Zones, zone_named
from bot.ports import Accepted, Arrival, Bus, Clock, FormErrors, Happened, Random, ShowForm, Stopped, Store, Toast
from bot.units import Accept, Claimed, KeepDead, Kept, Lease, Prune
from bot.waiting import unbroken

log = structlog.get_logger()
REMEMBERED = timedelta(days=7)
"""Longer than any platform repeats an event."""
PRUNED_EVERY = timedelta(hours=1)

_ASKING = frozenset((Pressed, Submitted))
"""What a platform wants an answer to at once."""

_encode = msgspec.json.Encoder(order="deterministic").encode


Now = Toast | ShowForm | FormErrors


class Tell(Protocol):
    def __call__(self, conversation: Conversation, state: State, body: Incoming, /) -> Now | None:
        """Pure: neither a turn nor a model is waited for."""


class Taking(Protocol):
    """What the inbox needs of the engine."""

    def room(self) -> Lease | None:
        """The lease to ask for when this process can take one more turn now."""

    def take(self, claimed: Claimed) -> None:
        """Take turns in a conversation whose lease this process has; returns at once."""


class Inbox:
    """T0 for every channel; implements `Receive`."""

    def __init__(
        self,
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
        random: Random,
        engine: Taking,
        initial: State,
        initials: Mapping[tuple[str, str], State] = {},
        tell: Tell | None = None,
        agent_of: Callable[[str, str], Awaitable[Author | None]] | None = None,
        zones: Zones | None = None,
    ) -> None:
        """`initial`: what a conversation begins with; `initials`: at those accounts (channel and name).

        `tell`: what a platform is told at once, where somebody pressed a button or sent a form. `agent_of`: which agent
        somebody on a channel is. `zones`: who keeps in which time zone people are.
        """
        self._initials, self._tell, self._agent_of, self._zones = initials, tell, agent_of, zones
        self._store, self._bus, self._clock, self._random = store, bus, clock, random
        self._engine, self._initial = engine, initial
        self.counts = InboxCounts()

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        """Append once and return after the commit. Raises `StoreDown`: then nothing may be acknowledged."""
        channel, counted = arrival.to.channel, self.counts.arrivals
        if arrival.unreadable:
            await self._keep_dead(arrival, arrival.unreadable)
            counted[channel, "unreadable"] += 1
            return Accepted(fresh=True, conversation=None, seq=None)
        if not arrival.bodies:
            return Accepted(fresh=True, conversation=None, seq=None)
        unit = self._unit(arrival)
        for body in unit.bodies:
            if isinstance(body, Echoed) and self._agent_of:
                unit = replace(unit, agent=await self._agent_of(channel, body.by))
        try:
            kept = await self._keep(unit)
        except Exception:
            counted[channel, "refused"] += 1
            raise
        counted[channel, "fresh" if kept.fresh else "differs" if kept.differs else "repeat"] += 1
        if kept.differs:
            log.warning("inbox.differs", channel=unit.channel, account=unit.account, key=unit.key)
            await self._keep_dead(arrival, "the same id came before with another body; the first one counts")
        if unit.zone and self._zones:
            await self._keep_zone(unit, kept)
        now = self._now(unit, kept) if kept.stands else None
        return Accepted(kept.fresh, kept.conversation, kept.seq, kept.differs, kept.events, now)

    async def _keep_zone(self, unit: Accept, kept: Kept) -> None:
        assert self._zones is not None
        contact = kept.claimed.conversation.contact if kept.claimed else None
        begins = contact if contact == unit.contact else None
        try:
            await self._zones.told(unit.channel, unit.by, unit.zone, begins=begins)
        except StoreDown as down:  # what was said is kept: that is what is acknowledged
            log.warning("inbox.zone_not_kept", channel=unit.channel, account=unit.account, why=down)

    def _now(self, unit: Accept, kept: Kept) -> Now | None:
        assert self._tell is not None
        assert kept.stands is not None
        told = (self._tell(*kept.stands, body) for body in unit.bodies)
        return next((each for each in told if each is not None), None)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        """The store groups what is written at the same time; order within a conversation is kept.

        Raises after the last of them is settled: what was appended by then is known again when it is repeated.
        """
        kept = await asyncio.gather(*(self(arrival) for arrival in arrivals), return_exceptions=True)
        for each in kept:
            if isinstance(each, BaseException):
                raise each
        return [each for each in kept if isinstance(each, Accepted)]

    async def run(self) -> None:
        """Forget the ids of platforms' events that can no longer be repeated, until cancelled."""
        while True:
            try:
                while await self._store.write(Prune(before=self._clock.now() - REMEMBERED)):
                    pass
            except StoreDown as down:
                self.counts.store_down += 1
                log.error("inbox.store_down", why=down)
            except Exception:
                log.exception("inbox.prune_failed")
            await self._clock.sleep(PRUNED_EVERY.total_seconds())

    def _unit(self, arrival: Arrival) -> Accept:
        bodies, new = tuple(map(cleaned, arrival.bodies)), self._random.id()
        kinds = {type(body) for body in bodies}
        return Accept(
            channel=arrival.to.channel,
            account=arrival.account,
            key=arrival.key,
            twin=arrival.twin,
            digest=hashlib.blake2b(_encode(bodies), digest_size=16).digest(),
            to=arrival.to,
            by=arrival.by,
            name="" if Echoed in kinds else clean(arrival.name)[:200],
            language=clean(arrival.language)[:35],
            zone=zone_named(arrival.zone) if arrival.zone else "",
            at=self._clock.now(),
            bodies=bodies,
            conversation=ConversationId(new),
            contact=ContactId(new),
            initial=self._initials.get((arrival.to.channel, arrival.account), self._initial),
            lease=self._engine.room(),
            asks=self._tell is not None and not kinds.isdisjoint(_ASKING),
        )

    async def _keep(self, unit: Accept) -> Kept:
        """With the commit comes the lease: a door that gives up meanwhile must not leave it with nobody."""
        return await unbroken(self._store.write(unit), self._go_on)

    def _go_on(self, kept: Kept) -> None:
        if kept.fresh:
            self._bus.publish(Happened(kept.conversation, kept.events))
            for event in kept.events:
                if isinstance(event.body, Halted):
                    self._bus.publish(Stopped(kept.conversation))
        if kept.claimed is not None:
            self._engine.take(kept.claimed)

    async def _keep_dead(self, arrival: Arrival, why: str) -> None:
        await self._store.write(
            KeepDead(
                channel=arrival.to.channel,
                account=arrival.account,
                key=arrival.key,
                why=why,
                raw=arrival.raw,
                at=self._clock.now(),
            )
        )


def cleaned(body: Incoming) -> Incoming:
    """The body with every text made storable: both databases then keep it alike."""
    match body:
        case Said(message, ref, group):
            parts = tuple(
                Text(tuple(Span(clean(span.text), span.marks, clean(span.link)) for span in part.spans))
                if isinstance(part, Text)
                else _cleaned(part)
                for part in message.parts
            )
            return Said(replace(message, parts=parts, language=clean(message.language)), clean(ref), clean(group))
        case Pressed(token, label, ref):
            return Pressed(clean(token), clean(label), clean(ref))
        case _:
            whole: Incoming = _cleaned(body)
            return whole


def _cleaned(value: Any) -> Any:
    """Every text in it, however deep: bodies are plain data."""
    match value:
        case str():
            return clean(value)
        case Struct():
            changed = {}
            for name in value.__struct_fields__:
                was = getattr(value, name)
                if (now := _cleaned(was)) is not was:
                    changed[name] = now
            return replace(value, **changed) if changed else value
        case tuple() | list():
            items = type(value)(map(_cleaned, value))
            return value if all(map(operator.is_, items, value)) else items
        case dict():
            return {clean(key): _cleaned(item) for key, item in value.items()}
        case _:
            return value
