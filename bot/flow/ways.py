"""One of several ways of saying something: which fit here, and which of these is taken. Pure, without chance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

from bot.flow.conditions import Expression, Look, Unevaluated


class Way(Protocol):
    @property
    def channel(self) -> str:
        """Only there; empty: everywhere."""

    @property
    def condition(self) -> Expression | None:
        """Only where it holds."""

    @property
    def weight(self) -> int: ...


W = TypeVar("W", bound=Way)


def chosen(ways: Sequence[W], look: Look, seed: str) -> W:
    """Of those for just this case, else of those that always fit; the same for the same seed and person.

    At least one must always fit. The seed is a place in the conversation; not all people hear the same there.
    """
    if len(ways) == 1:
        return ways[0]
    special = [way for way in ways if (way.channel or way.condition) and _fits(way, look)]
    return _drawn(special or [way for way in ways if always_fits(way)], look, seed)


def always_fits(way: Way) -> bool:
    return not (way.channel or way.condition)


def _fits(way: Way, look: Look) -> bool:
    if way.channel and way.channel != look("channel"):
        return False
    try:
        return way.condition is None or bool(way.condition.evaluate(look))
    except Unevaluated:
        return False


def _drawn(ways: Sequence[W], look: Look, seed: str) -> W:
    customer = look("customer")
    person = customer.get("id", "") if isinstance(customer, dict) else ""
    digest = hashlib.blake2b(f"{person}/{seed}".encode(), digest_size=8).digest()
    left = int.from_bytes(digest) % sum(way.weight for way in ways)
    for way in ways:
        left -= way.weight
        if left < 0:
            return way
    raise AssertionError("what is left is less than the weights together")
