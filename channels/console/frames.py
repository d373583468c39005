"""What the console is told: rows, events and notices, over `/ws/console` and as answers of `/api/console/...`.

Events are the log's own (`bot.model.Event`): an agent sees everything. The browser's types are generated from these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from bot.model import Author, Control, Event, Frame, Json, Status

View = Literal["needs-reply", "mine", "unassigned", "bot", "resolved", "all"]
"""needs-reply: waits for a human, or its human owes an answer. mine: I hold it. unassigned: waits, nobody has it.
bot: open and with the bot. resolved. all: every open one."""

VIEWS: tuple[View, ...] = ("needs-reply", "mine", "unassigned", "bot", "resolved", "all")


class Row(Struct, frozen=True):
    """One line of the queue."""

    id: str
    channel: str
    customer: str
    """Display name; "Visitor 4f2a" where none is known."""
    language: str
    control: Control
    status: Status
    reason: str
    """Why a human was asked for; empty when none was."""
    note: str
    priority: int
    """Of the present request for a human, from 0 to 9: higher is served first."""
    last_by: Literal["customer", "bot", "agent", "system"]
    last_text: str
    """Start of the last public message, at most 140 characters."""
    last_at: datetime
    waiting_since: datetime | None
    """Since when the customer has been waiting for a human's words; None: nobody owes an answer."""
    unread: int
    """Messages of the customer since the last public words of anyone else."""
    last_seq: int


class Rows(Struct, frozen=True):
    items: tuple[Row, ...]
    next: str | None
    """Cursor of the next page."""


class Customer(Struct, frozen=True):
    name: str
    channel: str
    language: str
    first_seen: datetime
    conversations: int
    facts: dict[str, str]


class SlotView(Struct, frozen=True):
    flow: str
    """Empty: of the conversation."""
    name: str
    value: Json
    """A masked text where the slot is declared `pii`."""


class Detail(Struct, frozen=True):
    """One conversation opened: its latest events and what stands beside them."""

    row: Row
    customer: Customer
    stack: tuple[Frame, ...]
    slots: tuple[SlotView, ...]
    events: tuple[Event, ...]
    """The latest 200, oldest first."""
    more: bool
    draft: DraftText | None
    can: tuple[Literal["edit", "delete"], ...] = ()
    """What may be done to messages that the agent has sent; without `edit` a change goes out as a correction."""


class DraftText(Struct, frozen=True):
    turn: int
    attempt: int
    text: str


class IdentityView(Struct, frozen=True):
    channel: str
    external: str
    language: str
    zone: str
    merged: bool
    """It came from another contact, and can go back there."""


class PersonView(Struct, frozen=True):
    contact: str
    name: str
    conversations: int
    identities: tuple[tuple[str, str], ...]
    """(channel, the platform's id)"""


class People(Struct, frozen=True):
    items: tuple[PersonView, ...]


class Identities(Struct, frozen=True):
    """Who a contact is, channel by channel."""

    contact: str
    items: tuple[IdentityView, ...]


class Events(Struct, frozen=True):
    items: tuple[Event, ...]
    next: int | None
    """`after` of the next page, or `before` when asked backwards; None: there is no more."""


class Me(Struct, frozen=True):
    id: str
    name: str
    email: str
    role: Literal["agent", "admin"]
    csrf: str
    """Goes into the header `X-CSRF-Token` of every request that changes something."""
    brand: str


class Uploaded(Struct, frozen=True):
    """A file that may go with a reply."""

    ref: str
    kind: Literal["image", "audio", "video", "file"]
    name: str
    type: str
    """MIME, by its first bytes."""
    size: int


class Done(Struct, frozen=True):
    """What a command of the console did: the row after it, and the seq of what it wrote."""

    row: Row
    seq: int
    in_flight: int | None = None
    """After a change of control: seq of the bot's one message that may still reach the customer."""


class Problem(Struct, frozen=True):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: Literal[
        "signed_out",
        "csrf",
        "forbidden",
        "not_found",
        "invalid",
        "control",
        "newer",
        "rate",
        "unavailable",
        "wrong_sign_in",
    ]
    text: str
    """For the agent: what happened and what to do next."""
    request: str
    row: Row | None = None
    """With `control`: who holds it now."""
    events: tuple[Event, ...] = ()
    """With `newer`: exactly the events that were not on the agent's screen."""
    wait: float | None = None


# Server to console


class Ready(Struct, frozen=True, tag_field="frame", tag="ready"):
    counts: dict[View, int]


class RowFrame(Struct, frozen=True, tag_field="frame", tag="row"):
    """A row is new or has changed; `views` are those it belongs to now, for this agent."""

    row: Row
    views: tuple[View, ...]


class Counts(Struct, frozen=True, tag_field="frame", tag="counts"):
    views: dict[View, int]


class EventFrame(Struct, frozen=True, tag_field="frame", tag="event"):
    """An event of a watched conversation. Its seqs have no gaps: `seq` other than the last held plus one means that
    something is missing, and the console says `watch` again."""

    conversation: str
    event: Event


class CaughtUp(Struct, frozen=True, tag_field="frame", tag="caught_up"):
    """Everything up to `seq` has been sent for this `watch`."""

    conversation: str
    seq: int


class Draft(Struct, frozen=True, tag_field="frame", tag="draft"):
    conversation: str
    turn: int
    attempt: int
    n: int
    start: int
    text: str


class Reset(Struct, frozen=True, tag_field="frame", tag="reset"):
    conversation: str
    turn: int
    why: Literal["attempt", "cancel", "control"]


class Typing(Struct, frozen=True, tag_field="frame", tag="typing"):
    conversation: str
    who: Author
    seconds: float


class Viewers(Struct, frozen=True, tag_field="frame", tag="viewers"):
    conversation: str
    agents: tuple[str, ...]
    """Names of the other agents who have it open."""


class RefusedFrame(Struct, frozen=True, tag_field="frame", tag="refused"):
    code: Literal["bad_frame", "signed_out", "rate", "not_found"]
    text: str


class Ping(Struct, frozen=True, tag_field="frame", tag="ping"):
    pass


ServerFrame = Ready | RowFrame | Counts | EventFrame | CaughtUp | Draft | Reset | Typing | Viewers | RefusedFrame | Ping


# Console to server


class _ClientFrame(Struct, frozen=True, tag_field="frame", tag=str.lower, forbid_unknown_fields=True):
    pass


class Watch(_ClientFrame, frozen=True):
    """Send what follows `after` in this conversation, now and from now on."""

    conversation: str
    after: int = 0


class Unwatch(_ClientFrame, frozen=True):
    conversation: str


class TypingNow(_ClientFrame, frozen=True, tag="typing"):
    """Colleagues are told; the customer only of the holder's reply."""

    conversation: str
    kind: Literal["reply", "note"] = "reply"


class Pong(_ClientFrame, frozen=True):
    pass


ClientFrame = Watch | Unwatch | TypingNow | Pong
