"""Sorts what waits into groups that one function does at once, without changing the order within any conversation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from bot.ports import Unit
from bot.store.kinds import FUNCTIONS
from bot.store.rows import parts_of
from bot.store.tx import Tx
from bot.units import Accept, Settle


def place(unit: Unit[Any]) -> Hashable:
    """What a unit's order matters for: its conversation.

    `Accept` knows an address only; whoever wrote a unit that names the conversation did not have to wait for it.
    """
    match unit:
        case Accept(to=to):
            return to
        case Settle(delivery=delivery):
            return parts_of(delivery)[0]
        case _:
            conversation: str | None = getattr(unit, "conversation", None)
            return conversation or type(unit).__name__


def grouped(units: Sequence[Unit[Any]]) -> list[list[int]]:
    """Positions of units of one kind each, to be done group after group."""
    groups: list[list[int]] = []
    latest: dict[type, int] = {}
    """The last group of each kind."""
    reached: dict[Hashable, int] = {}
    """The last group that touches a place."""
    for position, unit in enumerate(units):
        kind, where = type(unit), place(unit)
        group = latest.get(kind, -1)
        if group < 0 or reached.get(where, -1) > group:
            group = latest[kind] = len(groups)
            groups.append([])
        groups[group].append(position)
        reached[where] = group
    return groups


def do_all(tx: Tx, units: Sequence[Unit[Any]]) -> list[Any]:
    """In the transaction that is open; raises what any of them raises, and then all of it must be rolled back."""
    kind = type(units[0])
    if all(type(unit) is kind for unit in units):
        return list(FUNCTIONS[kind](tx, units))
    results: list[Any] = [None] * len(units)
    for group in grouped(units):
        done = FUNCTIONS[type(units[group[0]])](tx, [units[position] for position in group])
        for position, result in zip(group, done, strict=True):
            results[position] = result
    return results
