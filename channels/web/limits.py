"""Who asks too much: paces and counts, bounded in memory. They live in one process and are forgotten with it."""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

from bot.ports import Clock

MOST_KEYS = 50_000


class Pace:
    """So many in a minute for each key; as many at once when it was quiet for a minute.

    Kept for a key is one number: when its bucket is full again. Then the key is forgotten.
    """

    def __init__(self, per_minute: int, clock: Clock, *, most_keys: int = MOST_KEYS) -> None:
        self._gap = 60.0 / per_minute
        self._clock, self._most = clock, most_keys
        self._full_at: dict[str, float] = {}  # Ordered by last use.

    def take(self, key: str) -> float:
        """0: it may pass, and is counted. Else the seconds after which one more may pass."""
        now = self._clock.monotonic()
        full_at = max(self._full_at.get(key, now), now) + self._gap
        if full_at > now + 60.0 + 1e-9:
            return full_at - now - 60.0
        self._full_at.pop(key, None)
        self._full_at[key] = full_at
        self._forget(now)
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        # Two for each one that comes: the map shrinks to what is in use without ever being walked through.
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._most:
                return
            del self._full_at[oldest]
            if not self._full_at:
                return


class Places:
    """So many at the same time for each key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, int] = {}

    def enter(self, key: str) -> bool:
        taken = self._taken.get(key, 0)
        if taken >= self._most:
            return False
        self._taken[key] = taken + 1
        return True

    def leave(self, key: str) -> None:
        left = self._taken[key] - 1
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]

    def __len__(self) -> int:
        return len(self._taken)


def address_of(scope: Scope) -> str:
    """What a caller's limits are counted by: the IPv4 address, or the /64 that an IPv6 customer is given."""
    client = scope.get("client")
    if not client:
        return ""
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
