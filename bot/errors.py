"""The error tree, by what the caller does next.

FrontdeskError
├── SettingsError        the start stops: a setting is wrong
├── FlowErrors           the start stops: flow files are wrong, each with file, line and column
├── StoreDown            repeat later; a door answers 503 and does not acknowledge
├── NotSent              a channel could not send
│   ├── Forbidden        never again, to this address or for this account
│   ├── Unshowable       the platform refused this payload: once more as plain text, then a dead letter
│   │   ├── TooLarge     a file has more bytes than may be taken
│   │   ├── WrongKind    a file of a kind that is not taken, or whose name says another
│   │   └── FileGone     a file that can no longer be had
│   ├── TryLater         certainly not sent; waits `after`, or backs off
│   └── Unreachable      no answer: outcome unknown
├── ModelDown            the language model cannot answer now: the next responder is asked
├── ActionFailed         an action raised or timed out: the flow's `fails` decides
└── Refusal              the desk refused; the agent is told why
    ├── ControlMoved     somebody else may speak now
    ├── NewerEvents      the log holds what the agent has not seen
    └── NotFound         no such conversation, or not for this agent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bot.model import Control, Event


class FrontdeskError(Exception):
    """Whatever this program raises on purpose."""


class SettingsError(FrontdeskError):
    """Names the setting, what was expected, and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class FlowProblem:
    """One mistake in a flow folder, as `frontdesk check` prints it."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class FlowErrors(FrontdeskError):
    def __init__(self, problems: Sequence[FlowProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class StoreDown(FrontdeskError):
    """The store did not commit, or its queue is full. Nothing of the unit was written, unless `unknown`."""

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


class NotSent(FrontdeskError):
    pass


class Forbidden(NotSent):
    def __init__(self, why: str, *, scope: Literal["address", "account"]) -> None:
        super().__init__(why)
        self.scope = scope


class Unshowable(NotSent):
    pass


class TooLarge(Unshowable):
    def __init__(self, why: str, *, most: int) -> None:
        super().__init__(why)
        self.most = most
        """Bytes."""


class WrongKind(Unshowable):
    pass


class FileGone(Unshowable):
    pass


class TryLater(NotSent):
    """`scope`: what the wait is about. A whole `account` makes no call before it is over."""

    def __init__(self, why: str, *, after: timedelta | None = None, scope: Literal["chat", "account"] = "chat") -> None:
        super().__init__(why)
        self.after = after
        self.scope = scope


class Unreachable(NotSent):
    pass


class ModelDown(FrontdeskError):
    pass


class ActionFailed(FrontdeskError):
    pass


class Refusal(FrontdeskError):
    pass


class ControlMoved(Refusal):
    def __init__(self, control: Control) -> None:
        super().__init__(f"control is {control.state!r}, epoch {control.epoch}")
        self.control = control


class NewerEvents(Refusal):
    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__(f"{len(events)} newer events")
        self.events = tuple(events)


class NotFound(Refusal):
    pass
