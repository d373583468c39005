"""How fast an account may call its platform: token buckets for the account and for each chat.

What a customer waits for (`final`, `agent`) waits for its own kind alone, so edits of drafts and typing can never take
its place; those are left out where there is no room. What the platform's server says always wins.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.model import Address
from bot.ports import Clock, Pace, Rate

Rank = Literal["final", "agent", "edit", "typing"]
"""What goes first, in this order."""

MOST_CHATS = 10_000
"""Chats that are remembered, the longest unused forgotten first."""


@dataclass(slots=True)
class _Bucket:
    """Fills at a rate; below nothing, what is in it says how long it takes until the next may go."""

    rate: Rate
    left: float
    at: float

    def filled(self, now: float) -> float:
        per = self.rate.per.total_seconds()
        self.left = min(float(self.rate.most), self.left + (now - self.at) * self.rate.most / per)
        self.at = now
        return self.left

    def wait(self, now: float) -> float:
        return max(0.0, (1 - self.filled(now)) * self.rate.per.total_seconds() / self.rate.most)


class Pacer:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()
        self._told: OrderedDict[Address | tuple[str, str], float] = OrderedDict()
        """Until when a server wants to be left alone, by chat or account, on the monotonic clock."""

    def wait(self, to: Address, pace: Pace | None, rank: Rank) -> timedelta:
        """Nothing: the call is counted, and may be made now. Else: how long to wait before asking again."""
        now = self._clock.monotonic()
        told = self._silence(to, now)
        if told > 0:
            return timedelta(seconds=told)
        buckets = self._of(to, pace, rank, now)
        longest = max((bucket.wait(now) for bucket in buckets), default=0.0)
        if longest > 1e-9:
            return timedelta(seconds=longest)
        for bucket in {id(each): each for each in (*buckets, *self._of(to, pace, "typing", now))}.values():
            bucket.left -= 1
        return timedelta(0)

    def may(self, to: Address, pace: Pace | None, rank: Rank) -> bool:
        """Whether the call may be made now; then it is counted."""
        return not self.wait(to, pace, rank)

    def hold(self, to: Address, after: timedelta, *, account: bool = False) -> None:
        """The server said so: no call to this chat, or of the whole account, before that."""
        key = (to.channel, to.account) if account else to
        until = self._clock.monotonic() + after.total_seconds()
        self._told[key] = max(until, self._told.pop(key, 0.0))
        while len(self._told) > MOST_CHATS:
            self._told.popitem(last=False)

    def _silence(self, to: Address, now: float) -> float:
        longest = 0.0
        for key in (to, (to.channel, to.account)):
            if (until := self._told.get(key)) is not None:
                if until <= now:
                    del self._told[key]
                longest = max(longest, until - now)
        return longest

    def _of(self, to: Address, pace: Pace | None, rank: Rank, now: float) -> list[_Bucket]:
        """Words count by themselves; edits and typing count with everything."""
        if pace is None:
            return []
        kind = "words" if rank in ("final", "agent") else "all"
        account, chat = (to.channel, to.account), (to.channel, to.account, to.chat)
        rates = ((account, pace.account), (chat, pace.chat))
        return [self._bucket((key, kind), rate, now) for key, rate in rates if rate is not None]

    def _bucket(self, key: Hashable, rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.pop(key, None)
        if bucket is None or bucket.rate != rate:
            bucket = _Bucket(rate, float(rate.most), now)
        self._buckets[key] = bucket
        while len(self._buckets) > MOST_CHATS:
            self._buckets.popitem(last=False)
        return bucket
