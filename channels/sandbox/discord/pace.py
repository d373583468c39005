"""How fast Discord lets itself be called: a bucket for each operation and channel, and the ban for not listening.

Source: Discord's documentation, "Rate limits". A 429 without `Via` is taken by clients for a ban at the edge, so ours
has it, and that of a ban has not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha1

from bot.ports import Clock

LIMITS: Mapping[str, tuple[int, float]] = {
    "create_message": (5, 5),
    "update_message": (5, 5),
    "delete_message": (5, 1),
    "trigger_typing_indicator": (5, 5),
    "add_my_message_reaction": (1, 0.25),
    "*": (50, 1),
}
"""Calls in so many seconds, for each channel; `*`: every other operation. Real ones differ and change."""
GENEROUS: Mapping[str, tuple[int, float]] = {"*": (10_000, 1)}
BANNED_AFTER, BANNED_IN = 10_000, timedelta(minutes=10)


class Pace:
    def __init__(self, limits: Mapping[str, tuple[int, float]], clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._used: dict[tuple[str, str], tuple[datetime, int]] = {}
        """By operation and major parameter: the start of its window, and calls in it."""
        self._refused: deque[datetime] = deque()

    def take(self, operation: str, major: str) -> tuple[dict[str, str], float]:
        """Headers to answer with, and seconds to wait; 0: go on."""
        most, seconds = self._limits.get(operation, self._limits["*"])
        now, window = self._clock.now(), timedelta(seconds=seconds)
        began, calls = self._used.get((operation, major), (now, 0))
        if now - began >= window:
            began, calls = now, 0
        wait = 0.0 if calls < most else (began + window - now).total_seconds()
        calls = min(calls + 1, most)
        self._used[operation, major] = (began, calls)
        left = (began + window - now).total_seconds()
        return {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(most - calls),
            "X-RateLimit-Reset": f"{(began + window).timestamp():.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": sha1(operation.encode(), usedforsecurity=False).hexdigest()[:32],
        }, wait

    def refused(self) -> None:
        """A 401, 403 or 429 was answered."""
        now = self._clock.now()
        self._refused.append(now)
        while now - self._refused[0] >= BANNED_IN:
            self._refused.popleft()

    @property
    def banned(self) -> bool:
        return len(self._refused) >= BANNED_AFTER
