"""What the parts of one process have done since it began: numbers that only grow.

Nothing is decided by them. A part adds one where something happens, and whoever watches the program reads them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

ArrivalEnd = Literal["fresh", "repeat", "differs", "unreadable", "refused"]
"""`differs`: a repeat with another body. `refused`: not kept, and not acknowledged."""
TurnEnd = Literal["silent", "set_aside", "superseded", "failed", "out_of_time"]
"""How a turn ends in which no responder speaks. `silent`: committed, and nothing was said."""
LeaseLoss = Literal["refused", "unconfirmed", "overtaken"]
"""`refused`: when it was to be renewed. `unconfirmed`: not renewed in time. `overtaken`: found at the commit."""
DeliveryEnd = Literal["sent", "again", "dead", "late", "unknown"]
"""Of an attempt. `unknown`: it may have arrived, and is not sent again. `late`: the lease had ended, and a
later attempt has it."""


@dataclass(slots=True)
class InboxCounts:
    arrivals: Counter[tuple[str, ArrivalEnd]] = field(default_factory=Counter)
    """By channel."""
    store_down: int = 0


@dataclass(slots=True)
class EngineCounts:
    turns: Counter[str] = field(default_factory=lambda: _from_zero(TurnEnd))
    """By the name of the responder that spoke, else by `TurnEnd`."""
    leases_lost: Counter[LeaseLoss] = field(default_factory=lambda: _from_zero(LeaseLoss))
    renewals_failed: int = 0
    """The store did not answer; the lease may still be ours."""
    store_down: int = 0


@dataclass(slots=True)
class TimerCounts:
    rung: int = 0
    seconds_late: float = 0
    """Of all that rang, together."""
    store_down: int = 0


@dataclass(slots=True)
class OutboxCounts:
    deliveries: Counter[tuple[str, DeliveryEnd]] = field(default_factory=Counter)
    """By channel."""
    store_down: int = 0


@runtime_checkable
class Committing(Protocol):
    """A store that counts its transactions."""

    @property
    def commits(self) -> int: ...

    @property
    def units(self) -> int:
        """That were committed with them."""


def _from_zero(words: Any) -> Counter[Any]:
    """What has not happened yet is a zero: an alarm on its growth can then see the first time."""
    return Counter(dict.fromkeys(get_args(words), 0))
