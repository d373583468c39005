"""Between rows and nouns. Nothing here reads or writes: what changes a `Row` is written back by whoever holds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.fit import plain
from bot.model import (
    Address,
    Author,
    Body,
    Card,
    Choices,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    DeliveryId,
    Event,
    Message,
    Notice,
    Pressed,
    Rating,
    Said,
    Sources,
    State,
    Text,
    is_input,
)

Values = tuple[Any, ...]

PREVIEW = 140
"""Characters of the last message that lists show."""

_MICROSECOND = timedelta(microseconds=1)

encode = msgspec.json.Encoder().encode
_decode_body = msgspec.json.Decoder(Body).decode
decode_state = msgspec.json.Decoder(State).decode
_KINDS: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in Body.__args__}
_KNOWN = frozenset(_KINDS.values())


def micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1_000_000, UTC)  # exact to the microsecond until the year 2255


def span(length: timedelta) -> int:
    return length // _MICROSECOND


@dataclass(slots=True)
class Row:
    """A conversation's row while a transaction holds it, column by column."""

    id: str
    contact: str
    channel: str
    account: str
    chat: str
    thread: str
    created_at: int
    updated_at: int
    status: str
    language: str
    customer: str
    control: str
    epoch: int
    holder: str
    holder_name: str
    since: int | None
    reason: str
    handoff: str
    last_seq: int
    public_seq: int
    input_seq: int
    heard: int
    ready_at: int
    worker: str
    lease_until: int
    fence: int
    committed: int
    attempts: int
    version: int
    last_by: str
    last_text: str
    last_at: int
    spoke_at: int
    active_at: int
    waiting_since: int | None
    unread: int
    wake_at: int | None
    rank: int
    state: bytes
    xmin: int = field(default=0, compare=False)
    """PostgreSQL: the transaction that wrote this row."""
    place: Values = field(init=False)
    address: Address = field(init=False)
    born: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.born = instant(self.created_at)
        self.move(self.chat)

    def move(self, chat: str) -> None:
        """The chat has another id."""
        self.chat = chat
        self.place = self.channel, self.account, chat, self.thread
        self.address = Address(*self.place)

    @property
    def conversation_id(self) -> ConversationId:
        return ConversationId(self.id)

    @property
    def is_ready(self) -> bool:
        """Something is unheard and may be answered."""
        return self.input_seq > self.heard and self.control != "paused"


def set_alarm(row: Row, state: State) -> None:
    """The bot's timers run while it has the floor, and those of approvals while these are awaited; sorted by when they
    are due."""
    row.wake_at = None
    if state.timers and row.status != "resolved" and row.control in ("bot", "queued", "offered"):
        first = next((t for t in state.timers if row.control == "bot" or t.name == "approval"), None)
        row.wake_at = micros(first.due_at) if first else None


def conversation_of(row: Row) -> Conversation:
    return Conversation(
        id=row.conversation_id,
        contact=ContactId(row.contact),
        address=row.address,
        control=control_of(row),
        status=row.status,  # type: ignore[arg-type]
        language=row.language,
        last_seq=row.last_seq,
        public_seq=row.public_seq,
        input_seq=row.input_seq,
        heard=row.heard,
        version=row.version,
        fence=row.fence,
        attempts=row.attempts,
        created_at=row.born,
        updated_at=instant(row.updated_at),
    )


def control_of(row: Row) -> Control:
    return Control(
        row.control,  # type: ignore[arg-type]
        row.epoch,
        row.holder,
        row.holder_name,
        None if row.since is None else instant(row.since),
        row.reason,
        row.handoff,
    )


def take_control(row: Row, control: Control, at: int) -> None:
    """Put the change into the row. From a request on the customer waits for a human, until the bot has the floor."""
    row.control, row.epoch = control.state, control.epoch
    row.holder, row.holder_name = control.holder, control.holder_name
    row.since = None if control.since is None else micros(control.since)
    row.reason, row.handoff = control.reason, control.handoff
    if control.state == "bot":
        row.waiting_since, row.rank = None, 0
    elif row.waiting_since is None and (
        control.state in ("queued", "offered") or (control.state == "human" and row.unread)
    ):
        row.waiting_since = at


class Appending:
    """Appends to conversations whose rows are held. One for each unit; `rows` go into the table `event`."""

    __slots__ = ("_at", "_fence", "_micros", "_rows", "_turn")

    def __init__(self, rows: list[Values], at: datetime, micros: int, turn: int | None = None, fence: int = 0) -> None:
        self._rows, self._at, self._micros, self._turn, self._fence = rows, at, micros, turn, fence

    def __call__(self, row: Row, author: Author, body: Body, epoch: int, public: bool) -> Event:
        row.last_seq = seq = row.last_seq + 1
        prev = 0
        if public:
            prev, row.public_seq = row.public_seq, seq
            if isinstance(body, _SHOWN) and author.kind != "system":  # who has joined is no news of what was said
                _show(row, author.kind, body, self._micros, prev)
        event = Event(seq, self._at, author, body, epoch, self._turn, self._fence, public, prev)
        waits = is_input(event)
        if waits:
            row.input_seq = seq
        self._rows.append(
            (
                *(row.id, seq, self._micros, _KINDS[type(body)], author.kind, author.id, author.name),
                *(epoch, self._turn, self._fence, public, prev, waits, encode(body)),
            )
        )
        return event


_SHOWN = (Said, Pressed)


def _show(row: Row, by: str, body: Said | Pressed, at: int, last: int) -> None:
    """What lists show of a conversation after something was said in it; `last`: seq of what was said before."""
    if isinstance(body, Said) and body.revises:
        if body.revises == last:
            row.last_text = preview(body.message)
        return
    row.last_by, row.last_at = by, at
    row.last_text = preview(body.message) if isinstance(body, Said) else body.label[:PREVIEW]
    if by == "customer":
        row.unread += 1
        row.spoke_at = row.active_at = at
        if row.waiting_since is None and row.control in ("queued", "offered", "human"):
            row.waiting_since = at
    elif by == "agent":
        row.unread, row.waiting_since, row.active_at = 0, None, at
    elif by == "bot":
        row.unread = 0


def preview(message: Message) -> str:
    """The start of a message on one line."""
    words: list[str] = []
    for part in message.parts:
        if isinstance(part, Text):
            words += [span.text for span in part.spans]
        elif isinstance(part, Choices):
            words += (" ", part.prompt)
        elif isinstance(part, Card):
            words += (" ", part.title)
        elif isinstance(part, Notice):
            words += (" ", part.text)
        elif isinstance(part, Rating):
            words += (" ", part.prompt)
        elif not isinstance(part, Sources):
            words += (" ", plain(part))
    line = words[0] if len(words) == 1 else "".join(words)
    return " ".join(line[: 2 * PREVIEW].replace("\0", "").split())[:PREVIEW]


EVENT = ("seq", "at", "kind", "author_kind", "author_id", "author_name", "epoch", "turn", "fence", "public", "prev")
"""The columns of an event in the order of `events_of`; the payload follows."""


def events_of(rows: Iterable[Values]) -> tuple[Event, ...]:
    """Kinds that only a newer program knows are left out."""
    return tuple(
        Event(
            seq,
            instant(at),
            Author(author_kind, author_id, author_name),
            _decode_body(payload),
            epoch,
            turn,
            fence,
            bool(public),
            prev,
        )
        for seq, at, kind, author_kind, author_id, author_name, epoch, turn, fence, public, prev, payload in rows
        if kind in _KNOWN
    )


def delivery_id(conversation: str, seq: int) -> DeliveryId:
    """There is one delivery per public message at most, so its place in the log names it."""
    return DeliveryId(f"{conversation}-{seq}")


def parts_of(delivery: DeliveryId) -> tuple[str, int]:
    conversation, _, seq = delivery.rpartition("-")
    return conversation, int(seq)
