"""Delivers what the log has promised: fitted, in order, one attempt in the air per conversation.

Knows no platform and keeps nothing in memory that a crash may not lose; the promises stand in the `delivery` table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TypeVar

import msgspec
import structlog

from bot.clean import clean
from bot.counts import OutboxCounts
from bot.errors import Forbidden, NotSent, StoreDown, TryLater, Unreachable, Unshowable
from bot.fit import fit, plain
from bot.live import Live
from bot.model import SYSTEM, Body, Message, Noted, Reachable, Said, Span, Text
from bot.pace import Pacer, Rank
from bot.ports import Bus, Capabilities, Channel, Clock, Editing, Happened, News, Random, Receipt, Sending, Store
from bot.units import Amend, Amended, Delivery, Entry, Lease, RefOf, RefsOf, SendClaim, Settle, Stranded
from bot.waiting import unbroken, within

log = structlog.get_logger()

R = TypeVar("R")

UNKNOWN = (
    "It is not known whether the customer has received the bot's last message, and it is not sent again, because it is "
    "about something that was done: look, and tell them."
)
LONGEST_ERROR = 500
"""Characters that are kept of what a platform says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    worker: str
    lease: timedelta = timedelta(seconds=60)
    patience: timedelta = timedelta(seconds=30)
    """How long one call of a channel may take: shorter than the lease."""
    sweep_every: timedelta = timedelta(seconds=1)
    most: int = 16
    """Deliveries in the air at once: the most whose outcome one crash leaves unknown."""
    attempts: int = 20
    age: timedelta = timedelta(hours=24)
    """After so many attempts, or so long, it is a dead letter."""
    shortest: timedelta = timedelta(seconds=1)
    soon: timedelta = timedelta(seconds=5)
    """So long a message waits for its turn with its lease held; for longer it is given back."""
    strays_every: timedelta = timedelta(seconds=5)
    """How often drafts are looked for of which nothing will come."""
    longest: timedelta = timedelta(minutes=5)


class Outbox:
    """The only retrier: channels try once."""

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
        random: Random,
        settings: OutboxSettings,
        pacer: Pacer | None = None,
        live: Live | None = None,
    ) -> None:
        """`pacer`: shared with whatever else calls these channels. `live`: who shows drafts that are settled here."""
        self._pacer, self._live, self._strays_at = pacer or Pacer(clock), live, float("-inf")
        self._channels: Mapping[tuple[str, str], Channel] = {
            (channel.name, channel.account): channel for channel in channels if isinstance(channel, Sending)
        }
        self._store, self._bus, self._clock, self._random, self._settings = store, bus, clock, random, settings
        self._lease = Lease(settings.worker, settings.lease)
        self._woken = asyncio.Event()
        self._flying: set[asyncio.Task[None]] = set()
        self._refused_until: dict[tuple[str, str], float] = {}
        """Accounts whose line stands still, on the monotonic clock."""
        self.counts = OutboxCounts()

    @property
    def flying(self) -> int:
        """Deliveries that are being sent."""
        return len(self._flying)

    async def run(self) -> None:
        """Send what is due, until cancelled; what is in the air is then let finish."""
        if not self._channels:
            return
        unlisten = self._bus.listen(None, self._hear)
        try:
            while True:
                try:
                    await unbroken(self._send_due())
                    await unbroken(self._drop_strays())
                except StoreDown as down:
                    self.counts.store_down += 1
                    log.error("outbox.store_down", why=down)
                except Exception:
                    log.exception("outbox.failed")
                await self._wait()
        finally:
            unlisten()
            await asyncio.gather(*self._flying, return_exceptions=True)

    def _hear(self, news: News) -> None:
        """A hint that there may be something to send; a lost one costs one sweep."""
        if isinstance(news, Happened) and any(
            isinstance(event.body, Said) and event.author.kind != "customer" for event in news.events
        ):
            self._woken.set()

    async def _wait(self) -> None:
        try:
            await within(self._clock, self._settings.sweep_every, self._woken.wait())
        except TimeoutError:
            pass
        self._woken.clear()

    async def _send_due(self) -> None:
        while channels := self._working():
            room = self._settings.most - len(self._flying)
            if room <= 0:
                return
            drafts = self._live is not None and bool(self._live.streams)
            claim = SendClaim(lease=self._lease, most=room, channels=channels, drafts=drafts)
            until = self._lease_from_now()
            claimed = await self._store.write(claim)
            for delivery in claimed:
                task = asyncio.create_task(self._deliver(delivery, until))
                self._flying.add(task)
                task.add_done_callback(self._landed)
            if not claimed:
                return

    async def _drop_strays(self) -> None:
        """Drafts whose turn or message came to nothing, here or in a process that is no more."""
        now = self._clock.monotonic()
        if self._live is None or not self._live.streams or now < self._strays_at:
            return
        self._strays_at = now + self._settings.strays_every.total_seconds()
        for stray in await self._store.read(Stranded(channels=self._live.streams)):
            await self._live.drop(stray.conversation, stray.to, stray.shown)

    def _working(self) -> frozenset[tuple[str, str]]:
        now = self._clock.monotonic()
        return frozenset(account for account in self._channels if self._refused_until.get(account, now) <= now)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._woken.set()

    def _lease_from_now(self) -> float:
        """Counted from before the store is asked: it ends no later for us than for the others."""
        return self._clock.monotonic() + self._settings.lease.total_seconds()

    async def _deliver(self, delivery: Delivery, until: float) -> None:
        """What cannot be settled now is left to the lease: then it is sent again, and said to be so."""
        try:
            await self._send(delivery, until)
        except StoreDown as down:
            self.counts.store_down += 1
            log.error("outbox.not_settled", delivery=delivery.id, attempt=delivery.attempt, why=down)
        except Exception:
            log.exception("outbox.delivery_failed", delivery=delivery.id, attempt=delivery.attempt)

    async def _send(self, delivery: Delivery, until: float) -> None:
        """Send the pieces that have no receipt yet, each settled before the next.

        `until`: the end of the lease, on the monotonic clock. A worker that stood still beyond it sends nothing: the
        message is somebody else's by now, or an agent has taken over.
        """
        channel = self._channels[delivery.to.channel, delivery.to.account]
        assert isinstance(channel, Sending)
        failure: NotSent
        done, again = delivery.done, delivery.again
        try:
            can = channel.capabilities(delivery.to)
            if again and delivery.once and can.resend == "blind":
                raise Unreachable("it may have arrived, and must not come twice")
            pieces = pieces_of(delivery, can)
            if delivery.revises and isinstance(channel, Editing):
                refs = await self._store.read(RefsOf(delivery.conversation, delivery.revises))
                await self._rewrite(delivery, channel, can, pieces, refs)
                return
            if done >= len(pieces):  # there is nothing in it to be seen
                await self._store.write(_settled(delivery, done, Receipt((), self._clock.now())))
            for piece in pieces[done:]:
                if not await self._may_go(delivery, can):
                    return
                if self._clock.monotonic() >= until:
                    self.counts.deliveries[delivery.to.channel, "late"] += 1
                    log.warning("outbox.too_late", delivery=delivery.id, attempt=delivery.attempt)
                    return
                shown = delivery.shown if done == 0 and not piece.only_for else None  # all have read the draft
                answers = await self._answered(delivery, piece, can) if piece.reply_to else ""
                key = f"{delivery.id}.{done}"
                call = channel.send(delivery.to, piece, key=key, again=again, shown=shown, reply_to=answers)
                receipt = await self._patiently(call)
                done, again = done + 1, False
                settled = _settled(delivery, done, receipt, more=done < len(pieces), settles=shown is not None)
                until = self._lease_from_now()
                if not await self._store.write(settled):
                    self.counts.deliveries[delivery.to.channel, "late"] += 1
                    log.warning("outbox.late_receipt", delivery=delivery.id, attempt=delivery.attempt)
                    return
            self.counts.deliveries[delivery.to.channel, "sent"] += 1
            return
        except StoreDown:
            raise
        except NotSent as error:
            failure = error
        except TimeoutError:
            failure = Unreachable(f"no answer within {self._settings.patience.total_seconds():g} s")
        except Exception as error:  # an adapter that is wrong must not hold up a line for ever
            log.exception("outbox.channel_failed", delivery=delivery.id)
            failure = Unreachable(f"{type(error).__name__}: {error}")
        if isinstance(failure, TryLater) and failure.after:
            self._pacer.hold(delivery.to, failure.after, account=failure.scope == "account")
        if isinstance(failure, Unreachable) and delivery.once and channel.capabilities(delivery.to).resend == "blind":
            await self._leave_unknown(delivery, done, failure)
            return
        await self._store.write(self._failed(delivery, done, failure))
        if isinstance(failure, Forbidden) and failure.scope == "address":
            await self._append(delivery, Reachable(False))

    async def _rewrite(
        self, delivery: Delivery, channel: Editing, can: Capabilities, pieces: Sequence[Message], refs: Sequence[str]
    ) -> None:
        """A message that was sent is written anew, in as many as it became; settled as a whole, for it may be repeated.

        What never arrived is sent, and what is no more is taken away.
        """
        assert isinstance(channel, Sending)
        to, stands = delivery.to, list[str]()
        for number, (piece, ref) in enumerate(zip_longest(pieces, refs)):
            if not await self._may_go(delivery, can):
                return
            key = f"{delivery.id}.{number}"
            if piece is None:
                await self._patiently(channel.delete(to, ref))
                continue
            call = channel.edit(to, ref, piece, key=key) if ref else channel.send(to, piece, key=key)
            stands += (await self._patiently(call)).refs
        await self._store.write(_settled(delivery, len(pieces), Receipt(tuple(stands), self._clock.now())))
        self.counts.deliveries[to.channel, "sent"] += 1

    async def _patiently(self, call: Awaitable[R]) -> R:
        return await within(self._clock, self._settings.patience, call)

    async def _answered(self, delivery: Delivery, piece: Message, can: Capabilities) -> str:
        """The platform's id of the message that this one answers; empty where nobody would see that."""
        if "reply_to" not in can.can or piece.reply_to is None:
            return ""
        return await self._store.read(RefOf(delivery.conversation, piece.reply_to))

    async def _may_go(self, delivery: Delivery, can: Capabilities) -> bool:
        """Wait for its turn. False: it is long, and the message was given back until then."""
        rank: Rank = "agent" if delivery.author.kind == "agent" else "final"
        waited = timedelta(0)
        while delay := self._pacer.wait(delivery.to, can.pace, rank):
            if waited + delay > self._settings.soon:
                error = TryLater("others have to go first", after=delay)
                await self._store.write(self._failed(delivery, delivery.done, error))
                return False
            waited += delay
            await self._clock.sleep(delay.total_seconds())
        return True

    async def _leave_unknown(self, delivery: Delivery, done: int, error: Unreachable) -> None:
        """Nobody can tell whether it arrived, and it must not arrive twice: a person has to look."""
        self.counts.deliveries[delivery.to.channel, "unknown"] += 1
        log.error("outbox.outcome_unknown", delivery=delivery.id, attempt=delivery.attempt, why=error)
        settle = Settle(
            delivery=delivery.id,
            attempt=delivery.attempt,
            state="unknown",
            done=done,
            refs=(),
            at=self._clock.now(),
            error=clean(f"{type(error).__name__}: {error}")[:LONGEST_ERROR],
        )
        if await self._store.write(settle):
            await self._append(delivery, Noted(UNKNOWN))

    async def _append(self, delivery: Delivery, body: Body) -> None:
        entry = Entry(SYSTEM, body, delivery.epoch)
        unit = Amend(conversation=delivery.conversation, entries=(entry,), at=self._clock.now())
        done = await self._store.write(unit)
        if isinstance(done, Amended):
            self._bus.publish(Happened(delivery.conversation, done.events))

    def _failed(self, delivery: Delivery, done: int, error: NotSent) -> Settle:
        now, settings = self._clock.now(), self._settings
        dead, counted, plain = False, True, delivery.plain
        pause, ages = self._back_off(delivery.failures), True
        match error:
            case Forbidden(scope="address"):
                dead = True
            case Forbidden():  # nothing is lost while somebody mends the account's settings
                self._stand_still(delivery, error)
                counted, ages, pause = False, False, settings.longest
            case Unshowable():
                dead = delivery.plain or delivery.message.strict
                plain, pause = True, timedelta(0)
            case TryLater(after=timedelta() as after):
                counted, pause = False, after or settings.shortest
        dead |= counted and delivery.failures + 1 >= settings.attempts
        dead |= ages and delivery.age >= settings.age
        self.counts.deliveries[delivery.to.channel, "dead" if dead else "again"] += 1
        told = log.error if dead else log.warning
        told("outbox.not_sent", delivery=delivery.id, attempt=delivery.attempt, dead=dead, why=error)
        return Settle(
            delivery=delivery.id,
            attempt=delivery.attempt,
            state="dead" if dead else "waiting",
            done=done,
            refs=(),
            at=now,
            due_at=None if dead else now + pause,
            error=clean(f"{type(error).__name__}: {error}")[:LONGEST_ERROR],
            plain=plain,
            counted=counted,
            again=isinstance(error, Unreachable),
        )

    def _stand_still(self, delivery: Delivery, error: Forbidden) -> None:
        """The account is refused: its whole line waits, with one alarm."""
        account, now = (delivery.to.channel, delivery.to.account), self._clock.monotonic()
        if self._refused_until.get(account, now) <= now:
            log.error("outbox.account_refused", channel=account[0], account=account[1], why=error)
        self._refused_until[account] = now + self._settings.longest.total_seconds()

    def _back_off(self, failures: int) -> timedelta:
        """Full jitter: anything up to the span, which doubles from `shortest` to `longest`."""
        span = min(self._settings.longest, self._settings.shortest * 2 ** min(failures, 20))
        return timedelta(seconds=self._random.between(0, span.total_seconds()))


def pieces_of(delivery: Delivery, to: Capabilities) -> tuple[Message, ...]:
    """What one delivery becomes on this channel; always the same, so a repeat goes on at the right piece.

    Raises `Unshowable` for a strict message that would lose something.
    """
    fitted = fit(delivery.message, to)
    if delivery.message.strict and fitted.losses:
        losses = ", ".join(f"{loss.part}: {loss.kind}" for loss in fitted.losses)
        raise Unshowable(f"it is strict, and would lose {losses}")
    return tuple(map(_unmarked, fitted.pieces)) if delivery.plain else fitted.pieces


def _unmarked(message: Message) -> Message:
    characters = "\n".join(filter(None, map(plain, message.parts)))
    return msgspec.structs.replace(message, parts=(Text((Span(characters),)),))


def _settled(delivery: Delivery, done: int, receipt: Receipt, *, more: bool = False, settles: bool = False) -> Settle:
    return Settle(
        delivery=delivery.id,
        attempt=delivery.attempt,
        state="sending" if more else "sent",
        done=done,
        refs=receipt.refs,
        at=receipt.at,
        settles=settles,
    )
