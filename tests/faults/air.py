"""What was in the air when something befell its worker: that alone may make an outcome unknown."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.driver import LEASE
from tests.faults.journal import Fault, Record, Sending, Settled
from tests.faults.worker import SEND_LEASES

LONGEST = round(LEASE * SEND_LEASES * 1e9)
"""Nanoseconds that one attempt may take: who lives longer has settled it, or given it up."""


def unexplained(records: Sequence[Record]) -> list[str]:
    """Attempts with a T5 and no T6 although their worker came to no harm between the two."""
    settled = {(each.key, each.attempt) for each in records if isinstance(each, Settled)}
    begun = [each for each in records if isinstance(each, Sending) and (each.key, each.attempt) not in settled]
    harm = _harm([each for each in records if isinstance(each, Fault)])
    return [
        f"worker {each.worker} never settled attempt {each.attempt} at {each.key}"
        for each in begun
        if not any(
            target in ("", each.worker) and start <= each.at + LONGEST and each.at <= end for target, start, end in harm
        )
    ]


def _harm(faults: Sequence[Fault]) -> list[tuple[str, int, int]]:
    """To whom, from when, and until when work of before it could begin: with a kill that ends at once."""
    harm: list[tuple[str, int, int]] = []
    for at, fault in enumerate(faults):
        if fault.phase == "start":
            over = (each.at for each in faults[at:] if (each.name, each.target, each.phase) == (*_same(fault), "end"))
            harm.append((fault.target, fault.at, fault.at if fault.name == "kill" else next(over, fault.at)))
    return harm


def _same(fault: Fault) -> tuple[str, str]:
    return fault.name, fault.target
