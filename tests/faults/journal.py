"""What the outside world did and saw, written down by the processes that did and saw it.

Every process of a fault test keeps one file: a record a line, written *before* the thing is done or answered, so that a
journal never knows less than the product. `at` is the machine's monotonic clock in nanoseconds, which all processes
share; in the simulation it is the virtual one. Nothing here may import the product.

Every message of a customer holds one uid, `u<chat>n<number>`, numbers rising in each chat; whoever answers it (the
scripted model, a flow, the action stub) repeats the uid, so that loss, doubling and disorder show in the text itself.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

UID = re.compile(r"\bu\d+n\d+\b")


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record"):
    at: int


# What customers do


class Sent(_Record, frozen=True, tag="sent"):
    """An update is about to be handed to one of our doors, for the `attempt`-th time."""

    chat: str
    key: str
    """The platform's id of the update; a repeat has the same."""
    uid: str
    attempt: int = 1
    same: bool = True
    """False: the id comes with another body than before, which may not count."""


class Answered(_Record, frozen=True, tag="answered"):
    """What the door said to it. 2xx: it is ours from now on."""

    chat: str
    key: str
    status: int
    """0: nothing, the connection broke."""


class Due(_Record, frozen=True, tag="due"):
    """A timer of the chat was set: these words are to be read once, and not before `earliest`."""

    chat: str
    text: str
    """Unlike all else that is said there."""
    earliest: int
    latest: int
    """When they are due at the latest, by the same clock as `at`."""


# What customers are shown


class Received(_Record, frozen=True, tag="received"):
    """A platform got a message from us, and is about to answer the call."""

    chat: str
    key: str
    """The idempotency key that came along; attempts at one piece have the same."""
    text: str
    again: bool = False
    """Sent as "this may be a repeat"."""
    answer: Literal["ok", "lost", "refused"] = "ok"
    """`ok` and `lost`: the customer reads it; `lost`: the sender is not told so. `refused`: nobody reads it."""


class Shown(_Record, frozen=True, tag="shown"):
    """A client that tails the log (widget, console) got one of its events."""

    client: str
    chat: str
    seq: int
    kind: str
    text: str = ""
    by: str = ""
    """`customer`, `bot`, `agent`, `system`."""
    public_only: bool = True
    """False: a console, which sees everything."""


class Draft(_Record, frozen=True, tag="draft"):
    """A client drew (`text`) or took back (`reset`) what is not yet said."""

    client: str
    chat: str
    turn: int
    text: str = ""
    reset: str = ""
    attempt: int = 0
    """At this turn; 0: the client is not told."""


class Opened(_Record, frozen=True, tag="opened"):
    """A client (re)connects, with what it holds: everything after `after` must follow, once."""

    client: str
    chat: str
    after: int


class CaughtUp(_Record, frozen=True, tag="caught_up"):
    """The test is over and the client has asked for the end of the log: it holds everything up to `seq`."""

    client: str
    chat: str
    seq: int


# What agents do


class Commanded(_Record, frozen=True, tag="commanded"):
    agent: str
    id: str
    """Of this command; its `Decided` has the same."""
    chat: str
    command: Literal["take_over", "claim", "send", "hand_back", "transfer", "resolve", "note"]
    uid: str = ""
    """In the text of a `send` or a `note`."""


class Decided(_Record, frozen=True, tag="decided"):
    """The desk's answer."""

    id: str
    status: int
    """200: done; 409: somebody or something else came first; 0: no answer."""
    epoch: int = 0
    in_flight: str = ""
    """The one delivery of the bot that may still arrive, by the key its calls have (without the piece's number)."""


# What others saw


class Asked(_Record, frozen=True, tag="asked"):
    """The model was asked; `text` is the whole request."""

    text: str


class Done(_Record, frozen=True, tag="done"):
    """Somebody else's system carries out an action under its idempotency key, or says that it had done so before."""

    key: str
    uid: str
    repeat: bool = False
    """The key was known: nothing was done."""


class Sending(_Record, frozen=True, tag="sending"):
    """A worker has claimed a delivery (T5), and is about to call the platform."""

    worker: str
    key: str
    """As of the calls, without the piece's number."""
    attempt: int


class Settled(_Record, frozen=True, tag="settled"):
    """The worker knows that what came of it was written (T6)."""

    worker: str
    key: str
    attempt: int


class Log(_Record, frozen=True, tag="log"):
    """A log line of the product, or a scrape of `/metrics`."""

    text: str


# What the test did


class Fault(_Record, frozen=True, tag="fault"):
    name: str
    """`kill`, `stop`, `store_down`, `socket`, ..."""
    phase: Literal["start", "end"]
    target: str = ""
    detail: str = ""


class Erased(_Record, frozen=True, tag="erased"):
    """From here on no trace of these canaries may be found."""

    canaries: tuple[str, ...]


class Canary(_Record, frozen=True, tag="canary"):
    """Words that must never reach a customer or a model."""

    text: str


class Finished(_Record, frozen=True, tag="finished"):
    """All faults have healed since `healed`, and the load has ended: nothing may be stuck when the store is dumped."""

    healed: int
    patience: int
    """Nanoseconds within which everything accepted must have moved: lease + 10 s."""


Record = (
    Sent
    | Answered
    | Due
    | Received
    | Shown
    | Draft
    | Opened
    | CaughtUp
    | Commanded
    | Decided
    | Asked
    | Done
    | Sending
    | Settled
    | Log
    | Fault
    | Erased
    | Canary
    | Finished
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class Journal:
    """One process's file. A line is in the file when `write` returns, whatever happens to the process next."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, record: Record) -> None:
        os.write(self._file, _encode(record) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def now() -> int:
    return time.monotonic_ns()


def uids(text: str) -> tuple[str, ...]:
    """In the order in which they stand in the text."""
    return tuple(UID.findall(text))


def read(paths: Iterable[Path]) -> Sequence[Record]:
    """All records, oldest first. A last line that a kill cut short was not yet acted upon."""
    records: list[Record] = []
    for path in paths:
        lines = path.read_bytes().split(b"\n")
        records += [_decode(line) for line in lines[:-1] if line]
    return sorted(records, key=lambda record: record.at)
