"""How fast an account may call its platform: token buckets for the account and for each chat.

What a customer waits for (`final`, `agent`) waits for its own kind alone, so edits of drafts and typing can never take
its place; those are left out where there is no room. What the platform's server says always wins.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from bot.model import Address
from bot.ports import Clock, Pace, Rate

Rank = Literal["final", "agent", "edit", "typing"]
"""What goes first, in this order."""

ALL: Final = "all"
WORDS = ("final", "agent")

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
        self._told: OrderedDict[Hashable, float] = OrderedDict()
        """Until when a server wants to be left alone, by chat or account and kind of call, on the monotonic clock."""

    def wait(self, to: Address, pace: Pace | None, rank: Rank) -> timedelta:
        """Nothing: the call is counted, and may be made now. Else: how long to wait before asking again."""
        now = self._clock.monotonic()
        if self._told and (told := self._silence(to, rank, now)) > 0:
            return timedelta(seconds=told)
        if pace is None:
            return timedelta(0)
        buckets = self._of(to, _limits(pace, rank), now)
        longest = max((bucket.wait(now) for bucket in buckets), default=0.0)
        if longest > 1e-9:
            return timedelta(seconds=longest)
        if rank in WORDS:
            buckets += self._of(to, _limits(pace, ALL), now)
        for bucket in buckets:
            bucket.left -= 1
        return timedelta(0)

    def may(self, to: Address, pace: Pace | None, rank: Rank) -> bool:
        """Whether the call may be made now; then it is counted."""
        return not self.wait(to, pace, rank)

    def hold(
        self,
        to: Address,
        after: timedelta,
        *,
        account: bool = False,
        pace: Pace | None = None,
        rank: Rank = "final",
    ) -> None:
        """The server said so: no call to this chat, or of the whole account, before that.

        Where the `pace` counts calls like the refused one by themselves, only those wait.
        """
        place = (to.channel, to.account) if account else to
        key = (place, rank if pace and rank in pace.apart else "")
        until = self._clock.monotonic() + after.total_seconds()
        self._told[key] = max(until, self._told.pop(key, 0.0))
        while len(self._told) > MOST_CHATS:
            self._told.popitem(last=False)

    def _silence(self, to: Address, rank: Rank, now: float) -> float:
        longest, account = 0.0, (to.channel, to.account)
        for key in ((to, ""), (to, rank), (account, ""), (account, rank)):
            if (until := self._told.get(key)) is not None:
                if until <= now:
                    del self._told[key]
                longest = max(longest, until - now)
        return longest

    def _of(self, to: Address, limits: Iterable[_Limit], now: float) -> list[_Bucket]:
        account, chat = (to.channel, to.account), (to.channel, to.account, to.chat)
        return [
            self._bucket((chat if limit.of_chat else account, limit.counts), limit.rate, now)
            for limit in limits
            if limit.rate is not None
        ]

    def _bucket(self, key: Hashable, rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.pop(key, None)
        if bucket is None or bucket.rate != rate:
            bucket = _Bucket(rate, float(rate.most), now)
        self._buckets[key] = bucket
        while len(self._buckets) > MOST_CHATS:
            self._buckets.popitem(last=False)
        return bucket


class _Limit(NamedTuple):
    counts: str
    """What it counts: words, calls of one kind, or all."""
    of_chat: bool
    rate: Rate | None


def _limits(pace: Pace, rank: Rank | Literal["all"]) -> tuple[_Limit, ...]:
    """Words count by themselves; edits and typing with everything, or apart where the platform does so."""
    if own := pace.apart.get(rank):
        return (
            _Limit(ALL, False, pace.account),
            _Limit(rank, False, own.account),
            _Limit(rank, True, own.chat),
        )
    counts = "words" if rank in WORDS else ALL
    return _Limit(counts, False, pace.account), _Limit(counts, True, pace.chat)
