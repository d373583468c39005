"""How often somebody may try a password: pure, counted per account and address, and per address alone."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

FREE_TRIES = 3
TRIES = 10
LOCK_SECONDS = 15 * 60.0
_MOST_KEPT = 20_000

Key = tuple[str, str]
"""(account, address); an empty account stands for all."""


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Every try counts as a failure until it is forgiven, so that tries made at once do not slip through together.

    `now` is a monotonic time in seconds. What is forgiven is taken off the address too: people who mistype behind one
    address do not lock one another out, and somebody with an account of their own gains no tries at another's.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, _Failures] = OrderedDict()

    def wait(self, account: str, address: str, now: float) -> float:
        """Seconds until another try may be made; 0: now."""
        keys = _keys(account, address)
        return max(_wait(self._kept.get(key), now) for key in keys)

    def count(self, account: str, address: str, now: float) -> None:
        for key in _keys(account, address):
            found = self._kept.pop(key, None)
            fresh = found is None or now - found.last >= LOCK_SECONDS
            self._kept[key] = _Failures(1 if found is None or fresh else found.count + 1, now)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def forgive(self, account: str, address: str) -> None:
        """The password was right."""
        ours, shared = _keys(account, address)
        mine = self._kept.pop(ours, None)
        others = self._kept.get(shared)
        if mine is None or others is None:
            return
        others.count -= mine.count
        if others.count <= 0:
            del self._kept[shared]


def _keys(account: str, address: str) -> tuple[Key, Key]:
    network = _network(address)
    return (account, network), ("", network)


def _network(address: str) -> str:
    """One house has one IPv4 address, or 2^64 of version 6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _wait(failures: _Failures | None, now: float) -> float:
    if failures is None:
        return 0.0
    if failures.count >= TRIES:
        pause = LOCK_SECONDS
    else:
        pause = 2.0 ** (failures.count - FREE_TRIES) if failures.count >= FREE_TRIES else 0.0
    return max(0.0, failures.last + pause - now)
