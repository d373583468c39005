"""What travels between widget and server: the same JSON frames over WebSocket and over SSE + POST.

A message of the server on a WebSocket is a JSON list of frames: what is ready at the same time goes out together. Every
other message is one frame.

The browser's types are generated from these. A frame never carries a note, a slot, a command or a button's value, and
no frame runs, loads or navigates anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

# Who speaks


class BotSpeaker(Struct, frozen=True, tag_field="kind", tag="bot"):
    name: str
    ai: bool = True


class AgentSpeaker(Struct, frozen=True, tag_field="kind", tag="agent"):
    name: str
    face: str | None = None


class SystemSpeaker(Struct, frozen=True, tag_field="kind", tag="system"):
    pass


class CustomerSpeaker(Struct, frozen=True, tag_field="kind", tag="customer"):
    pass


Speaker = BotSpeaker | AgentSpeaker | SystemSpeaker | CustomerSpeaker


# Parts as a customer may see them


class SpanView(Struct, frozen=True, omit_defaults=True):
    text: str
    marks: tuple[Literal["bold", "italic", "strike", "code", "fence", "quote", "item", "heading"], ...] = ()
    link: str = ""


class OptionView(Struct, frozen=True):
    label: str
    token: str


class TextView(Struct, frozen=True, tag_field="part", tag="text"):
    spans: tuple[SpanView, ...]


class ChoicesView(Struct, frozen=True, tag_field="part", tag="choices"):
    options: tuple[OptionView, ...]
    prompt: str = ""
    look: Literal["buttons", "quick", "list"] = "quick"


class CardView(Struct, frozen=True, tag_field="part", tag="card"):
    title: str
    body: str = ""
    meta: str = ""
    options: tuple[OptionView, ...] = ()


class CarouselView(Struct, frozen=True, tag_field="part", tag="carousel"):
    cards: tuple[CardView, ...]


class TableView(Struct, frozen=True, tag_field="part", tag="table"):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


class AnswerView(Struct, frozen=True):
    """One of the answers a field of a form offers."""

    label: str
    value: str
    """What goes back in the form."""


class FieldView(Struct, frozen=True):
    name: str
    label: str
    type: Literal["text", "long_text", "number", "email", "phone", "date", "time", "choice", "yes_no"] = "text"
    required: bool = True
    hint: str = ""
    options: tuple[AnswerView, ...] = ()
    value: str = ""


class FormView(Struct, frozen=True, tag_field="part", tag="form"):
    fields: tuple[FieldView, ...]
    token: str
    """What is filled in comes back with it (`submit`)."""
    title: str = ""
    submit: str = ""
    """The button's label; empty: the widget's own word."""


class RatingView(Struct, frozen=True, tag_field="part", tag="rating"):
    prompt: str
    scale: int
    options: tuple[OptionView, ...] = ()
    """One for each grade, the worst first; empty: it is answered in words."""


class MediaView(Struct, frozen=True, tag_field="part", tag="media"):
    kind: Literal["image", "audio", "voice", "video", "sticker", "file"]
    name: str = ""
    size: int = 0
    caption: str = ""
    alt: str = ""
    transcript: str = ""
    address: str = ""
    """Where a person may open it. Relative to the server's: a file of ours, signed for some hours, which may be loaded;
    nothing of another host is ever loaded by itself. Empty: nowhere."""


class LocationView(Struct, frozen=True, tag_field="part", tag="location"):
    latitude: float
    longitude: float
    label: str = ""


class VCardView(Struct, frozen=True, tag_field="part", tag="vcard"):
    name: str
    phone: str = ""
    email: str = ""


class SourceView(Struct, frozen=True):
    title: str
    passage: str
    address: str = ""


class SourcesView(Struct, frozen=True, tag_field="part", tag="sources"):
    sources: tuple[SourceView, ...]


class NoticeView(Struct, frozen=True, tag_field="part", tag="notice"):
    key: str
    text: str


PartView = (
    TextView
    | ChoicesView
    | CardView
    | CarouselView
    | TableView
    | FormView
    | RatingView
    | MediaView
    | LocationView
    | VCardView
    | SourcesView
    | NoticeView
)


# Events as a customer may see them


class SaidView(Struct, frozen=True, tag_field="kind", tag="said"):
    seq: int
    at: datetime
    by: Speaker
    parts: tuple[PartView, ...]
    ref: str = ""
    """The client's own message id, on what this customer said."""
    turn: int | None = None
    """The turn whose draft this replaces."""


class PressedView(Struct, frozen=True, tag_field="kind", tag="pressed"):
    seq: int
    at: datetime
    token: str
    label: str
    ref: str = ""


class SubmittedView(Struct, frozen=True, tag_field="kind", tag="submitted"):
    """A form that this customer filled in."""

    seq: int
    at: datetime
    token: str
    values: dict[str, str]
    """By name of the field."""
    ref: str = ""


class ControlledView(Struct, frozen=True, tag_field="kind", tag="controlled"):
    seq: int
    at: datetime
    control: ControlView


class PartialView(Struct, frozen=True, tag_field="kind", tag="partial"):
    """What had been seen of a draft that was stopped."""

    seq: int
    at: datetime
    text: str
    turn: int | None = None


class ControlView(Struct, frozen=True):
    """Who may speak now. `queued` also stands for a request that rings at an agent."""

    state: Literal["bot", "queued", "human", "closed"]
    """`closed` lasts until the customer's next words; no event says so, from then on it is `bot`."""
    speaker: Speaker
    """Agent while `human` and `closed` by one; else the bot."""


class RevisedView(Struct, frozen=True, tag_field="kind", tag="revised"):
    """An agent wrote a message of theirs anew, or took it back."""

    seq: int
    at: datetime
    of: int
    """Seq of the message."""
    parts: tuple[PartView, ...]
    """What stands in its place; empty: it was taken back."""


CustomerEvent = SaidView | RevisedView | PressedView | SubmittedView | ControlledView | PartialView


# Server to widget


class DraftView(Struct, frozen=True):
    turn: int
    attempt: int
    n: int
    text: str


class Limits(Struct, frozen=True):
    text_bytes: int
    per_minute: int
    file_bytes: int


class Greeting(Struct, frozen=True):
    """Shown above the first message of every conversation; not part of the log. Its options may be pressed at any time
    before something else was said."""

    name: str
    """The assistant's display name."""
    brand: str
    parts: tuple[PartView, ...]
    language: str


class Welcome(Struct, frozen=True, tag_field="frame", tag="welcome"):
    conversation: str
    seq: int
    """The highest seq this reader may see; 0: nothing said yet. After a long absence that of the last of `events`: the
    rest follows as `event` frames."""
    events: tuple[CustomerEvent, ...]
    control: ControlView
    greeting: Greeting
    limits: Limits
    draft: DraftView | None = None
    more: bool = False
    """Older events than these exist and may be asked for (`older`)."""


class Older(Struct, frozen=True, tag_field="frame", tag="older"):
    events: tuple[CustomerEvent, ...]
    more: bool


class Ack(Struct, frozen=True, tag_field="frame", tag="ack"):
    id: str
    seq: int


class EventFrame(Struct, frozen=True, tag_field="frame", tag="event"):
    """The only frame that is history. `prev` is the seq of the event before it that this reader may see: when it is not
    the last one held, something is missing, and the reader says `hello` again."""

    seq: int
    prev: int
    event: CustomerEvent


class Draft(Struct, frozen=True, tag_field="frame", tag="draft"):
    """Text that streams and is not yet said: `text` is what follows offset `start` (in code points)."""

    turn: int
    attempt: int
    n: int
    start: int
    text: str


class Reset(Struct, frozen=True, tag_field="frame", tag="reset"):
    turn: int
    why: Literal["attempt", "cancel", "control"]


class Typing(Struct, frozen=True, tag_field="frame", tag="typing"):
    who: Speaker
    seconds: float
    """How long to show it unless it is said again; 0: stop."""


RefusalCode = Literal[
    "bad_frame",
    "too_large",
    "wrong_kind",
    "empty",
    "invalid",
    "rate",
    "token",
    "origin",
    "conflict",
    "unavailable",
    "unknown_conversation",
]


class RefusedFrame(Struct, frozen=True, tag_field="frame", tag="refused"):
    code: RefusalCode
    text: str
    """What happened and what to do, in plain words."""
    id: str | None = None
    """The client's message it is about."""
    wait: float | None = None
    """Seconds after which a repeat may pass; None: a repeat will not help."""
    errors: dict[str, str] | UnsetType = UNSET
    """What is wrong with a form (`invalid`), by name of the field: it may be filled in again."""


class Ping(Struct, frozen=True, tag_field="frame", tag="ping"):
    """Every 10 s. Silence of 30 s means a dead line: reconnect."""


ServerFrame = Welcome | Older | Ack | EventFrame | Draft | Reset | Typing | RefusedFrame | Ping


# Widget to server


class _ClientFrame(Struct, frozen=True, tag_field="frame", tag=str.lower, forbid_unknown_fields=True):
    pass


class Hello(_ClientFrame, frozen=True):
    """First frame of a connection, and again after a gap."""

    token: str
    conversation: str = ""
    """Empty: the visitor's latest open conversation, else a new one."""
    after: int = 0
    """The highest seq held."""


class Say(_ClientFrame, frozen=True):
    id: str
    """A UUID made by the client; a repeat is answered by the first `ack`."""
    text: str


class Press(_ClientFrame, frozen=True):
    id: str
    token: str
    label: str = ""


class Submit(_ClientFrame, frozen=True):
    """A form filled in, under the form's token."""

    id: str
    token: str
    values: dict[str, str]
    """By name of the field; what was left empty may be missing."""


class AskOlder(_ClientFrame, frozen=True, tag="older"):
    before: int


class Read(_ClientFrame, frozen=True):
    seq: int


class TypingNow(_ClientFrame, frozen=True, tag="typing"):
    pass


class Stop(_ClientFrame, frozen=True):
    """End the draft being written; what was visible stays as a partial message."""


class Pong(_ClientFrame, frozen=True):
    pass


class Bye(_ClientFrame, frozen=True):
    pass


ClientFrame = Hello | Say | Press | Submit | AskOlder | Read | TypingNow | Stop | Pong | Bye


# HTTP


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /api/widget/token`"""

    account: str
    secret: str = ""
    """The visitor's secret when one is held: 43 characters of base64url, 256 bits."""
    locale: str = ""
    zone: str = ""
    """IANA name of the browser's time zone."""


class TokenGrant(Struct, frozen=True):
    token: str
    """Signed, names account and identity, valid for `seconds`."""
    seconds: int
    greeting: Greeting
    secret: str | UnsetType = UNSET
    """A new visitor secret; present only where none was held."""
