"""The nouns: what is said, what happened, who may speak. Frozen data without behaviour; nothing here does I/O.

All are `msgspec.Struct`s; the closed unions that go on the wire or into the log (parts, event bodies, commands, moves)
are tagged, so one definition serves Python, the store and the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NewType

from msgspec import Struct

ConversationId = NewType("ConversationId", str)
"""UUIDv7 as 32 hexadecimal digits: rises with time."""
ContactId = NewType("ContactId", str)
HandoffId = NewType("HandoffId", str)
AgentId = NewType("AgentId", str)
DeliveryId = NewType("DeliveryId", str)

Json = str | int | float | bool | None | list[Any] | dict[str, Any]
"""A slot's value as it lies in the state: dates and the like are ISO 8601 texts."""


# Where and who


class Address(Struct, frozen=True):
    """Where a reply goes. Never glued into one string inside the core."""

    channel: str
    account: str
    chat: str
    thread: str = ""


class Author(Struct, frozen=True, omit_defaults=True):
    """Who caused an event. `id` is an identity's external id (customer) or an agent's id; empty for bot and system."""

    kind: Literal["customer", "bot", "agent", "system"]
    id: str = ""
    name: str = ""


BOT = Author("bot")
SYSTEM = Author("system")


# Messages

Mark = Literal["bold", "italic", "strike", "code", "fence", "quote", "item", "heading"]
"""`fence`, `quote`, `item` and `heading` mark whole lines; a list's bullet or number is part of the item's text."""


class Span(Struct, frozen=True, omit_defaults=True):
    """A run of characters that look alike. The plain text of a message is its spans' texts, one after another."""

    text: str
    marks: tuple[Mark, ...] = ()
    link: str = ""
    """http, https, mailto or tel; empty: no link."""


class Text(Struct, frozen=True, tag_field="part", tag="text"):
    spans: tuple[Span, ...]


class Option(Struct, frozen=True, omit_defaults=True):
    label: str
    value: str
    """What choosing it means: an answer to the pending question, or a command in its slash form. Sent to no door."""
    token: str = ""
    """Opaque, about 20 characters, given by the engine when the message is committed. Only this travels in a button."""
    shares: Literal["", "number", "place"] = ""
    """Choosing it sends one's own phone number, or where one is. Only for a channel whose `can` has `share`."""


class Choices(Struct, frozen=True, tag_field="part", tag="choices", omit_defaults=True):
    options: tuple[Option, ...]
    prompt: str = ""
    look: Literal["buttons", "quick", "list"] = "quick"


class Card(Struct, frozen=True, tag_field="part", tag="card", omit_defaults=True):
    title: str
    body: str = ""
    meta: str = ""
    options: tuple[Option, ...] = ()
    image: str = ""
    """Public https address of a picture."""


class Carousel(Struct, frozen=True, tag_field="part", tag="carousel"):
    """Cards to leaf through."""

    cards: tuple[Card, ...]


class Table(Struct, frozen=True, tag_field="part", tag="table", omit_defaults=True):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each as long as `columns`."""
    title: str = ""


class Source(Struct, frozen=True, omit_defaults=True):
    title: str
    passage: str
    address: str = ""
    """A public http(s) page; empty when the document has none."""


class Sources(Struct, frozen=True, tag_field="part", tag="sources"):
    sources: tuple[Source, ...]


class Notice(Struct, frozen=True, tag_field="part", tag="notice", omit_defaults=True):
    """A line by the system, in the conversation's language."""

    key: str
    text: str
    args: dict[str, str] = {}


class Media(Struct, frozen=True, tag_field="part", tag="media", omit_defaults=True):
    """A file that came with the message or goes with it."""

    kind: Literal["image", "audio", "voice", "video", "sticker", "file"]
    ref: str
    """Where the channel finds it again; means nothing elsewhere, and is shown to no customer."""
    name: str = ""
    type: str = ""
    """MIME."""
    size: int = 0
    """Bytes; 0: not known."""
    caption: str = ""
    """Words that were written with it."""
    alt: str = ""
    """What is to be seen on it."""
    transcript: str = ""
    """What is said in it."""


class Location(Struct, frozen=True, tag_field="part", tag="location", omit_defaults=True):
    """A place on the earth, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    label: str = ""


class Rating(Struct, frozen=True, tag_field="part", tag="rating", omit_defaults=True):
    """A question that is answered with a grade."""

    prompt: str
    scale: int = 5
    """The best grade; the worst is 1. 2: thumbs."""
    options: tuple[Option, ...] = ()
    """One for each grade, the worst first; empty: it is answered in words."""


class Field(Struct, frozen=True, omit_defaults=True):
    """One line of a form."""

    name: str
    """The slot it fills."""
    label: str
    type: Literal["text", "long_text", "number", "email", "phone", "date", "time", "choice", "yes_no"] = "text"
    required: bool = True
    hint: str = ""
    options: tuple[Option, ...] = ()
    """Of a `choice`; their tokens stay empty, for their values travel in the form."""
    value: str = ""
    """What is known already."""


class Form(Struct, frozen=True, tag_field="part", tag="form", omit_defaults=True):
    """Several questions at once. Where a channel has no forms the flow asks them one by one."""

    fields: tuple[Field, ...]
    title: str = ""
    submit: str = ""
    """Label of the button; empty: the channel's own word."""
    token: str = ""
    """Opaque, given by the engine when the message is committed; what is filled in comes back with it."""


class VCard(Struct, frozen=True, tag_field="part", tag="vcard", omit_defaults=True):
    """How to reach a person."""

    name: str
    phone: str = ""
    email: str = ""


class Raw(Struct, frozen=True, tag_field="part", tag="raw"):
    """What only one channel understands, in that platform's own words."""

    channel: str
    payload: dict[str, Any]
    plain: str
    """What it says, for every other channel and reader; never empty."""


Part = Text | Choices | Card | Carousel | Table | Sources | Notice | Media | Location | VCard | Rating | Form | Raw


class Message(Struct, frozen=True, omit_defaults=True):
    """Something said. Who said it, when, and under which epoch stands on its event."""

    parts: tuple[Part, ...]
    language: str = ""
    reply_to: int | None = None
    """Seq of the event it answers."""
    strict: bool = False
    """Refuse to send rather than lose anything a reader could notice."""
    only_for: str = ""
    """External id of the one person who may read it, wherever it stands; empty: everybody there."""
    otherwise: str = ""
    """What stands in its place where others would read it too; empty: nothing does."""


def written(message: Message) -> str:
    """What somebody wrote or said in it: its texts, and what goes with its files as caption or transcript."""
    return "\n".join(filter(None, map(_written, message.parts)))


def _written(part: Part) -> str:
    match part:
        case Text(spans=spans):
            return "".join([span.text for span in spans])
        case Media(caption=caption, transcript=transcript):
            return caption or transcript
        case _:
            return ""


def text(characters: str, *, language: str = "") -> Message:
    """A message of plain characters: nothing in them is markup."""
    return Message((Text((Span(characters),)),), language)


Mode = Literal["exact", "rephrase", "free"]
"""How literally a text of a flow is said."""


# Control

ControlState = Literal["bot", "queued", "offered", "human", "wrap_up", "paused"]


class Control(Struct, frozen=True, omit_defaults=True):
    """Who may speak publicly now. Each change raises `epoch` by one."""

    state: ControlState = "bot"
    epoch: int = 0
    holder: str = ""
    """Agent's id while `offered`, `human` or `wrap_up`."""
    holder_name: str = ""
    since: datetime | None = None
    reason: str = ""
    handoff: str = ""


Status = Literal["open", "resolved", "snoozed", "spam"]

HandoffReason = Literal[
    "asked", "stuck", "no_evidence", "action_failed", "policy", "model_down", "error", "rule", "approval"
]

How = Literal["resume", "restart", "free", "step"]
"""How the bot goes on after a hand back: at the pending question, from the flow's first step, with no flow, at a step
that is named."""

Verdict = Literal["", "approve", "refuse"]
"""What an agent says of an action that may only run with approval; empty: nothing."""


# Commands: the closed vocabulary that moves a conversation


class _Command(Struct, frozen=True, tag_field="command", tag=str.lower, omit_defaults=True):
    pass


class Start(_Command, frozen=True):
    flow: str
    slots: dict[str, Json] = {}


class Set(_Command, frozen=True):
    slot: str
    value: Json
    """Raw words where the source is a person or a model: the slot's type parses them before anything is applied."""


class Unset(_Command, frozen=True):
    slot: str


class Cancel(_Command, frozen=True):
    scope: Literal["flow", "all", "handoff"] = "flow"
    """`handoff`: the customer no longer waits for a human."""


class Resume(_Command, frozen=True):
    flow: str = ""


class Clarify(_Command, frozen=True):
    flows: tuple[str, ...] = ()
    """What was nearest to the words; empty: nothing was, and all that can be asked for is offered."""


class Skip(_Command, frozen=True):
    pass


class Repeat(_Command, frozen=True):
    pass


class Lookup(_Command, frozen=True):
    question: str


class Chat(_Command, frozen=True):
    pass


class Human(_Command, frozen=True):
    reason: HandoffReason = "asked"
    note: str = ""


class Restart(_Command, frozen=True):
    pass


class Refuse(_Command, frozen=True):
    reason: str


Command = Start | Set | Unset | Cancel | Resume | Clarify | Skip | Repeat | Lookup | Chat | Human | Restart | Refuse

CommandSource = Literal["button", "slash", "rule", "answer", "example", "model", "console", "api", "timer", "flow"]


# Moves: every consequence of a turn for the state, so that folding a log needs no flow files


class Frame(Struct, frozen=True, omit_defaults=True):
    """One flow on the stack. `step` is the id of the step it stands at."""

    id: int
    """Rises within a conversation; never used twice."""
    flow: str
    version: str
    """Which of the flow's versions it is in: the author's number and a digest of the structure, `3.1f8a09c2`."""
    step: str = ""
    slots: dict[str, Json] = {}
    results: dict[str, Json] = {}
    """What actions put `into` a name."""
    read: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Steps passed, in order, each with the names it read: what a correction rewinds by."""
    effects: tuple[str, ...] = ()
    """Steps whose `write` or `money` action has run."""
    asking: str = ""
    """The slot of the pending question; empty: none."""
    picked: tuple[str, ...] = ()
    """Of a pending question that takes several answers: those chosen so far."""
    tries: int = 0
    passes: int = 0
    """Steps entered so far: part of an action's idempotency key."""
    caller: int = 0
    """Frame that waits for this one (`call`); 0: none, it interrupts."""
    into: str = ""
    asked: bool = False
    """It has asked the customer something: on return the flow below it says what it was about."""
    pattern: bool = False
    """`flow` names a pattern: the engine started it by itself."""
    done: tuple[str, ...] = ()
    """What the flows have done that this one took the place of, in words for the customer."""
    before: bool = False
    """A correction took it back: `step` is still to be done again."""


class Offer(Struct, frozen=True, omit_defaults=True):
    """A choice the customer could still make. Void after use, and after any change of control."""

    token: str
    value: str
    label: str
    epoch: int
    once: str = ""
    """Group: choosing one option of a message voids its siblings."""
    form: Form | None = None
    """What the button opens, where it is no choice but a form's."""


TimerName = Literal["quiet", "wait", "approval"]
"""`approval` runs while a human is awaited, the others while the bot has the floor."""


class Timer(Struct, frozen=True, omit_defaults=True):
    """Something a flow does when nothing else has happened until then."""

    frame: int
    step: str
    name: TimerName
    due_at: datetime
    n: int = 0
    """Which of the step's timers, from 0."""


IN_CONVERSATION, WITH_CUSTOMER = 0, -1
"""Where a slot of that scope lies, instead of a frame's id."""


class State(Struct, frozen=True, omit_defaults=True):
    """What the flows know of a conversation: the fold of its log."""

    stack: tuple[Frame, ...] = ()
    slots: dict[str, Json] = {}
    """Slots of scope `conversation`."""
    offers: tuple[Offer, ...] = ()
    frames: int = 0
    """Highest frame id given so far."""
    language: str = ""
    queue: tuple[Start, ...] = ()
    """Requests to do once the present flow has ended, in order."""
    customer: dict[str, Json] = {}
    """Slots of scope `customer`, as they were known when the last turn began, and what was learnt since."""
    timers: tuple[Timer, ...] = ()
    """Running; sorted by when they are due."""
    signals: dict[str, Json] = {}
    """What happened outside before a flow in progress came to wait for it, by name, the latest last."""
    clarified: int = 0
    """How often in a row the customer was asked what it is about."""
    ended: Frame | None = None
    """The flow that ended last, as it was, until another begins: a correction may still be about it."""
    marker: int = 0
    """Seq of the last end-of-human marker: what a model sees begins here."""


class _Move(Struct, frozen=True, tag_field="move", tag=str.lower, omit_defaults=True):
    pass


class Pushed(_Move, frozen=True):
    frame: Frame


class Popped(_Move, frozen=True):
    frame: int
    outcome: str
    """`done`, `cancelled`, `handed_off`, `failed`, or the name an `end` step gives."""
    reopens: bool = False
    """It came to its end, and a correction may open it again."""


class Reopened(_Move, frozen=True):
    """The flow that ended last is the topmost again, as it was: something is corrected in it."""

    frame: int


class Forgotten(_Move, frozen=True):
    """The flow that ended last can no longer be corrected: a person has looked at it since."""


class Raised(_Move, frozen=True):
    """A waiting flow became the topmost."""

    frame: int


class Entered(_Move, frozen=True):
    frame: int
    step: str
    reads: tuple[str, ...] = ()


class Rewound(_Move, frozen=True):
    """A correction: the flow stands before `step` again, and knows only the first `kept` of the steps it passed."""

    frame: int
    step: str
    kept: int


class Moved(_Move, frozen=True):
    """The flow was published anew, and the frame goes on in that version. Its timers go with it."""

    frame: int
    version: str
    step: str
    """Where it stands now; where that is not the last of the steps it passed, before that step."""
    steps: dict[str, str] = {}
    """Steps it passed that have another name now; empty: gone."""


class Filled(_Move, frozen=True):
    slot: str
    value: Json
    frame: int = 0
    """Or `IN_CONVERSATION`, or `WITH_CUSTOMER`."""
    result: bool = False
    """An action's result rather than a slot."""


class Emptied(_Move, frozen=True):
    """A slot, or the result of a step that a correction took back, is known no longer."""

    slot: str
    frame: int = 0


class Asked(_Move, frozen=True):
    frame: int
    slot: str
    """Empty: the pending question is settled."""
    tries: int = 0


class Picked(_Move, frozen=True):
    """Of the pending question's several answers these are chosen so far."""

    frame: int
    values: tuple[str, ...]


class Did(_Move, frozen=True):
    """An action ran. `effect` other than `read` is remembered by the frame."""

    frame: int
    step: str
    action: str
    effect: Literal["read", "write", "money"]
    ok: bool = True


class Applied(_Move, frozen=True):
    """A command passed its checks."""

    by: Command
    source: CommandSource


class Refused(_Move, frozen=True):
    """A command was refused; `why` is for people who read the log."""

    by: Command
    source: CommandSource
    why: str


class Offered(_Move, frozen=True):
    offers: tuple[Offer, ...]


class Voided(_Move, frozen=True):
    """Offers that can no longer be chosen; empty: all of them."""

    tokens: tuple[str, ...] = ()


class Queued(_Move, frozen=True):
    start: Start


class Dequeued(_Move, frozen=True):
    pass


class Armed(_Move, frozen=True):
    """A timer runs. It replaces the one of the same frame, step, name and number."""

    timer: Timer


class Disarmed(_Move, frozen=True):
    """Timers of a frame no longer run: those of that name. 0: of all frames."""

    name: TimerName
    frame: int = 0


class Remembered(_Move, frozen=True):
    """Something happened outside that a flow may still come to wait for."""

    name: str
    value: Json = None


class Recalled(_Move, frozen=True):
    """What was remembered is used up, or needed no longer; empty: all of it."""

    name: str = ""


class Knew(_Move, frozen=True):
    """What is known of the customer, where it was learnt outside of this conversation: all of it."""

    customer: dict[str, Json]


class Spoke(_Move, frozen=True):
    """The conversation's language became known or was changed."""

    language: str


Move = (
    Pushed
    | Popped
    | Reopened
    | Forgotten
    | Raised
    | Entered
    | Rewound
    | Moved
    | Filled
    | Emptied
    | Asked
    | Picked
    | Did
    | Applied
    | Refused
    | Offered
    | Voided
    | Queued
    | Dequeued
    | Armed
    | Disarmed
    | Remembered
    | Recalled
    | Knew
    | Spoke
)


# Events


class _Body(Struct, frozen=True, tag_field="kind", tag=str.lower, omit_defaults=True):
    pass


class Said(_Body, frozen=True):
    """A public message, by whoever the event's author is."""

    message: Message
    ref: str = ""
    """The platform's id of it (widget: the client's message id); empty for what we said."""
    group: str = ""
    """Album: what came with the same one is one message with several files."""
    revises: int = 0
    """Seq of a message of the same author that this takes the place of; without parts it takes it back. 0: none."""


class Edited(_Body, frozen=True):
    """The customer wrote a message of theirs anew. An input."""

    message: Message
    ref: str
    """The platform's id of the message; it may be one that is not in this log."""


class Deleted(_Body, frozen=True):
    """A message was taken back by whoever said it."""

    ref: str


class Submitted(_Body, frozen=True):
    """A form was filled in. An input."""

    token: str
    values: dict[str, Json]
    """By name of the field, as the person wrote it: the slots' types parse it."""
    ref: str = ""


class Reacted(_Body, frozen=True):
    emoji: str
    added: bool = True
    ref: str = ""
    """The platform's id of the message."""


class Viewed(_Body, frozen=True):
    """The customer has read up to a message of ours."""

    ref: str


class Halted(_Body, frozen=True):
    """The customer wants no more of the answer that is being written."""


class Closed(_Body, frozen=True):
    """Somebody closed the thread that this is; nothing of it is deleted."""


class Reachable(_Body, frozen=True):
    """Whether messages can arrive at this address: the customer blocked us or left, or came back."""

    yes: bool


class Migrated(_Body, frozen=True):
    """The platform gave the chat another id: the conversation goes on there."""

    to: Address


class Echoed(_Body, frozen=True):
    """Said on our account by a person elsewhere, and seen by the customer already: it is a takeover."""

    message: Message
    ref: str = ""
    by: str = ""
    """External id of that person; empty: not known."""
    name: str = ""


class Pressed(_Body, frozen=True):
    token: str
    label: str = ""
    """What the button showed, for readers of the log; never interpreted."""
    ref: str = ""


class Opened(_Body, frozen=True):
    payload: str = ""
    ref: str = ""


class Noted(_Body, frozen=True):
    """Words to colleagues, by an agent or by us. It has no parts and no address: there is nothing to send."""

    text: str


class Controlled(_Body, frozen=True):
    """A change of control; `control` is the row after it."""

    control: Control
    was: ControlState
    by: Author
    why: str = ""


class Returned(_Body, frozen=True):
    """The end-of-human marker: what flow and model know of the human stretch. An input: the bot takes a turn on it."""

    how: How
    by: str
    """The agent's name."""
    instruction: str = ""
    verdict: Verdict = ""
    step: str = ""
    """Where the flow goes on, for `step`."""


class Rang(_Body, frozen=True):
    """A timer was due. An input: the flow that set it goes on."""

    due_at: datetime


class Signalled(_Body, frozen=True):
    """Something happened outside that a flow may wait for. An input."""

    name: str
    value: Json = None
    ref: str = ""


class Settled(_Body, frozen=True):
    """Change of the conversation's status."""

    status: Status
    reason: str = ""


class Turned(_Body, frozen=True):
    """What a turn did to the state, in order, and who decided."""

    responder: str
    moves: tuple[Move, ...] = ()
    declined: tuple[tuple[str, str], ...] = ()
    """(responder, why) of those asked before."""


class Acting(_Body, frozen=True):
    """T2: the intent to run an action with an effect."""

    key: str
    action: str
    args: dict[str, Json]
    heard: int = 0
    """Seq of the last input that its turn was about: what came later was no part of it. 0: not recorded."""
    known: tuple[Acted, ...] = ()
    """What actions without effect had given in this turn: another attempt at it goes by the same."""
    versions: dict[str, str] = {}
    """Versions of the flows that led to it: whoever takes this turn again follows the same."""


class Acted(_Body, frozen=True):
    """T3: what that action gave. Exactly one of `result`, `error` means something."""

    key: str
    result: Json = None
    error: str = ""


class Discarded(_Body, frozen=True):
    """Words the bot had ready when a human took over; the agent may reuse them."""

    messages: tuple[Message, ...]


class Partial(_Body, frozen=True):
    """What the customer had seen of a draft that was stopped."""

    text: str


Incoming = (
    Said
    | Edited
    | Deleted
    | Pressed
    | Submitted
    | Reacted
    | Opened
    | Viewed
    | Halted
    | Closed
    | Reachable
    | Migrated
    | Echoed
    | Noted
)
"""What a channel can hear, and what it has to tell colleagues beside that (`Noted`)."""

Body = Incoming | Rang | Signalled | Controlled | Returned | Settled | Turned | Acting | Acted | Discarded | Partial


class Event(Struct, frozen=True, omit_defaults=True):
    """One entry of a conversation's log."""

    seq: int
    at: datetime
    author: Author
    body: Body
    epoch: int = 0
    turn: int | None = None
    """The `heard` the turn began at; None for what no turn wrote."""
    fence: int = 0
    public: bool = False
    """The customer may see it."""
    prev: int = 0
    """Seq of the public event before this one; 0 when there is none or this is not public."""


def is_input(event: Event) -> bool:
    """Whether the event waits to be heard by a turn."""
    body = event.body
    return isinstance(body, _HEARD) or (isinstance(body, Said) and event.author.kind == "customer")


_HEARD = (Edited, Pressed, Submitted, Opened, Returned, Rang, Signalled)


# Conversation


class Conversation(Struct, frozen=True, kw_only=True):
    """One log with one contact at one address, as its row tells."""

    id: ConversationId
    contact: ContactId
    address: Address
    control: Control
    status: Status = "open"
    language: str = ""
    last_seq: int = 0
    public_seq: int = 0
    input_seq: int = 0
    heard: int = 0
    version: int = 0
    """Raised with every change of the state."""
    fence: int = 0
    attempts: int = 0
    created_at: datetime
    updated_at: datetime


class Turn(Struct, frozen=True, kw_only=True):
    """Everything unheard in one conversation, as data: what a responder is offered."""

    conversation: Conversation
    state: State
    inputs: tuple[Event, ...]
    attempt: int
    now: datetime
    zone: str = ""
    """IANA name of the customer's time zone; empty: unknown, or nothing here asks what time it is."""

    @property
    def id(self) -> int:
        return self.conversation.heard

    @property
    def words(self) -> str:
        """What the customer wrote in this turn, messages joined by line breaks."""
        said = (written(event.body.message) for event in self.inputs if isinstance(event.body, Said))
        return "\n".join(filter(None, said))


class HandoffRequest(Struct, frozen=True, kw_only=True):
    reason: HandoffReason
    queue: str = ""
    note: str = ""
    priority: int = 0
    """Higher is served first."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a responder decided. Its messages are said first; then the commands move the flows, which may say more."""

    responder: str
    messages: tuple[Message, ...] = ()
    commands: tuple[tuple[Command, CommandSource], ...] = ()
    missed: bool = False
    """The words were no answer to the pending question: one of its tries is used up."""
    silent: bool = False
    """Hear the inputs and say nothing: a human has the floor."""
    through: int | None = None
    """Seq of the last input this is about; those after it are a turn of their own. None: all."""


class Declined(Struct, frozen=True):
    why: str
    through: int | None = None
    """Only inputs up to this seq are left to the other responders; those after it are a turn of their own."""


# Passages of knowledge


class Passage(Struct, frozen=True, kw_only=True):
    """A quotable piece of a document. `score` compares passages of one search only."""

    document: str
    title: str
    heading: str
    text: str
    address: str = ""
    score: float = 0.0


Facts = Mapping[str, Json]
"""What conditions and texts may read beside slots: `customer`, `channel`, `now`, `hours`."""
