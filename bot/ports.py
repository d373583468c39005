"""The promises the core relies on: whoever implements a channel, store, bus, model or responder reads this alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from bot.model import (
    Address,
    Command,
    ConversationId,
    Declined,
    Event,
    Form,
    Incoming,
    Json,
    Mark,
    Media,
    Message,
    Mode,
    Outcome,
    Part,
    Passage,
    Turn,
)

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

ASGI = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]
"""An application as the ASGI specification has it: (scope, receive, send)."""


# Time and chance


class Clock(Protocol):
    """The only source of time in the core, so that a run can be repeated and tests never sleep."""

    def now(self) -> datetime:
        """Aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back; compares within one process only."""

    async def sleep(self, seconds: float) -> None: ...

    def alarm(self, at: datetime, call: Callable[[], None]) -> Callable[[], object]:
        """Call once, at the instant or soon after it, within the running loop; until the returned function is called.

        It is a hint: one that nobody remembers is lost with the process, and one may come late when the wall clock is
        set or the machine sleeps.
        """


class Random(Protocol):
    """The only source of chance: ids, tokens, jitter."""

    def id(self) -> str:
        """A UUIDv7 as 32 hexadecimal digits: later ids sort after earlier ones."""

    def token(self) -> str:
        """Unguessable, 22 characters of base64url."""

    def between(self, low: float, high: float) -> float: ...


# Store


class Unit(Struct, Generic[R_co], frozen=True):
    """One indivisible change, as data: it can be queued, grouped, delayed, repeated. `bot/units.py` lists them all."""


class Question(Struct, Generic[R_co], frozen=True):
    """Something to read, as data."""


class Store(Protocol):
    """Durable truth. Both members raise `StoreDown`; a unit whose guard fails is no error but a result that says so."""

    def write(self, unit: Unit[R], /) -> Awaitable[R]:
        """Done after the commit. Units of one conversation written one after another keep their order."""

    async def read(self, question: Question[R], /) -> R: ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of files and connections."""


# Bus


class Happened(Struct, frozen=True, tag=True):
    """Events that were committed, in order."""

    conversation: ConversationId
    events: tuple[Event, ...]


class Drafted(Struct, frozen=True, tag=True):
    """A piece of text that streams: characters from `start` (code points) on are `text`."""

    conversation: ConversationId
    turn: int
    attempt: int
    n: int
    start: int
    text: str


class DraftReset(Struct, frozen=True, tag=True):
    conversation: ConversationId
    turn: int
    why: Literal["attempt", "cancel", "control"]


class Typed(Struct, frozen=True, tag=True):
    conversation: ConversationId
    by: Literal["customer", "agent", "bot"]
    name: str
    id: str
    seconds: float


class Stopped(Struct, frozen=True, tag=True):
    """The customer asked to end the draft."""

    conversation: ConversationId


News = Happened | Drafted | DraftReset | Typed | Stopped


class Bus(Protocol):
    """Live fan-out, lossy: whoever misses something reads the log. Nothing that is lost here breaks a promise."""

    def publish(self, news: News) -> None:
        """Never waits and never raises."""

    def listen(self, conversation: ConversationId | None, hear: Callable[[News], None]) -> Callable[[], None]:
        """Call `hear` with the news of one conversation (None: of all) until the returned function is called.

        `hear` must not block or raise.
        """


# Channel


class Limit(Struct, frozen=True):
    most: int
    unit: Literal["char", "utf16", "byte"] = "char"


class Buttons(Struct, frozen=True, kw_only=True):
    rows: int
    per_row: int
    label: int
    """Longest label, in characters."""
    token: int = 64
    """Longest token, in bytes."""


class Syntax(Struct, frozen=True, kw_only=True):
    """What it costs to write the look of a text into the text itself, counted in the unit of its limit.

    A platform that takes the look as data beside the text has none.
    """

    escapes: Mapping[str, int] = {}
    """Characters that are written longer, and by how much."""
    marks: Mapping[Mark, int] = {}
    """What stands before and after a run of such characters, together."""
    lines: Mapping[Mark, int] = {}
    """What stands before each of their lines."""
    link: int = 0
    """What a link takes beside its label and its address."""


class Attachments(Struct, frozen=True, kw_only=True):
    """Files a channel carries."""

    per_message: int = 1
    """More than one: an album."""
    bytes_in: int = 20 * 1024 * 1024
    bytes_out: int = 20 * 1024 * 1024


class Rate(Struct, frozen=True):
    """So many calls in a span of time; all of them may come at once."""

    most: int
    per: timedelta


class Pace(Struct, frozen=True, kw_only=True):
    """How fast a platform may be called; None: as fast as can be."""

    account: Rate | None = None
    chat: Rate | None = None
    apart: Mapping[str, Pace] = {}
    """Calls that the platform counts by themselves, `edit` (of drafts, too) or `typing`, with their own rates. Of those
    above only the account's counts them as well."""


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a channel can show, as data: `bot/fit.py` and the console's composer both read it."""

    text: Limit
    """Longest text, and how the platform counts it."""
    caption: Limit | None = None
    """Longest text that goes with a file: a file or an album is then a message of its own, with its caption, and an
    album has no buttons. None: files go with any text."""
    marks: frozenset[Mark]
    """Markup shown natively; the rest becomes plain characters."""
    syntax: Syntax | None = None
    parts: frozenset[type[Part]]
    """Parts shown natively; the rest becomes text. Whether forms are is said by `form`, and `Raw` by `raw`."""
    alone: frozenset[type[Part]] = frozenset()
    """Parts that are a message of their own: nothing but buttons goes with them."""
    table: tuple[int, int] | None = None
    """Most rows and columns of a native table; None: any."""
    cards: int = 0
    """Most cards of a native carousel; 0: any."""
    raw: str = ""
    """Whose `Raw` parts are shown as they are: the channel's own name; empty: nobody's."""
    buttons: Buttons | None
    options: int = 0
    """Longest native list to choose from; 0: there is none."""
    form: Literal["native", "modal", "ask"] = "ask"
    """`native`: shown in the chat; `modal`: opened by a button; `ask`: the questions are asked one by one."""
    files: Attachments | None = None
    stream: Literal["native", "edit", "whole"] = "whole"
    stream_every: timedelta = timedelta(seconds=1)
    """Shortest pause between two shows of a draft."""
    pace: Pace | None = None
    typing_every: timedelta | None = None
    """How often typing has to be said again while it lasts; None: it cannot be shown."""
    can: frozenset[
        Literal[
            "edit",
            "delete",
            "react",
            "reply_to",
            "thread",
            "delivered",
            "read",
            "private_note",
            "toast",
            "share",
            "zone",
        ]
    ] = frozenset()
    """`toast`: whoever presses sees what is told within the acknowledgement, so that the chat need not say it.
    `share`: an option may ask for one's own number or place (`Option.shares`). `zone`: it tells people's time zones."""
    resend: Literal["safe", "lookup", "blind"] = "blind"
    """What a repeat does when the outcome is unknown: the platform knows the key (`safe`), `send` looks for it first
    (`lookup`), or it may be there twice (`blind`)."""
    shared: bool = False
    """Others read what stands there beside the person it is for: a group, a channel. A message for one person alone
    comes with `only_for` where `can` has `private_note`, and else as what may be read by all."""
    writes_first: timedelta | None = None
    """How long after the customer's last word we may open; None: always."""


class Arrival(Struct, frozen=True, kw_only=True):
    """What came in at a door: one thing a platform told us, concerning one address."""

    account: str
    key: str
    """The platform's event id, unique per account, remembered at least 7 days."""
    twin: str | None = None
    """Sameness key: one human act that can arrive under two ids."""
    raw: bytes
    to: Address
    by: str
    """External id of the person."""
    at: datetime
    bodies: tuple[Incoming, ...]
    """Empty: understood and of no interest."""
    name: str = ""
    language: str = ""
    """BCP 47, what the platform or the browser says; empty: unknown."""
    zone: str = ""
    """IANA name of the person's time zone, as the platform or the browser says; empty: unknown."""
    unreadable: str = ""
    """Why it could not be parsed: it is kept as a dead letter."""


class Toast(Struct, frozen=True):
    """A short line for whoever pressed, gone in a moment."""

    text: str


class ShowForm(Struct, frozen=True):
    """The form to open at once: its fields, and the token under which they come back."""

    form: Form


class FormErrors(Struct, frozen=True):
    """What is wrong with a submitted form, by name of the field: it stays open."""

    errors: Mapping[str, str]


class Accepted(Struct, frozen=True):
    fresh: bool
    """False: seen before, nothing changed; `seq` is then the first one's."""
    conversation: ConversationId | None
    seq: int | None
    differs: bool = False
    """Seen before with another body: the first wins, this one is a dead letter."""
    events: tuple[Event, ...] = ()
    """As appended; empty when not fresh."""
    now: Toast | ShowForm | FormErrors | None = None
    """What the platform wants inside its acknowledgement: known without a turn, an action or a model."""


class Receive(Protocol):
    """T0. Returns after the commit. Whatever it raises: do not acknowledge, answer 503."""

    async def __call__(self, arrival: Arrival, /) -> Accepted: ...

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        """One transaction where the store allows it."""


class Receipt(Struct, frozen=True):
    """Every platform id that one piece became."""

    refs: tuple[str, ...]
    at: datetime


class Channel(Protocol):
    """A door to one platform, one object per account. It carries messages both ways and decides nothing."""

    name: str
    account: str

    def capabilities(self, to: Address) -> Capabilities: ...

    async def run(self, receive: Receive) -> None:
        """Own the connection until cancelled and reconnect by itself; raise only what a restart cannot cure."""


class Vault(Protocol):
    """What one account keeps for itself, encrypted at rest: tokens of installations, where a connection broke off."""

    async def get(self, name: str) -> bytes | None: ...

    async def put(self, name: str, value: bytes | None) -> None:
        """None: forget it."""

    async def names(self, prefix: str = "") -> tuple[str, ...]: ...


KEPT = "kept:"
"""How the `ref` of a file of ours begins; the SHA-256 of what is in it follows, in hexadecimal digits."""


class Kept(Struct, frozen=True):
    """A file of ours."""

    ref: str
    """Stands in `Media.ref`. Any other `ref` that goes out is a public https address."""
    type: str
    """MIME, by its first bytes; its name only chooses between formats that begin alike."""
    size: int
    """Bytes."""


class FileStore(Protocol):
    """Files that this deployment keeps: what people send, and pictures of the flows. None of them ever changes."""

    async def keep(self, pieces: AsyncIterator[bytes], *, most: int, name: str = "") -> Kept:
        """Durable when it returns, and nothing is left of what was not finished. The same content twice is one file.

        Raises `TooLarge` as soon as there are more than `most` bytes, `StoreDown`, and what `pieces` raises.
        """

    async def look(self, ref: str, *, name: str = "") -> Kept:
        """What is there. Raises `FileGone`, `StoreDown`."""

    def open(self, ref: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """What is in it from that byte on, in pieces. Raises `FileGone` before the first of them; `StoreDown`."""

    async def remember(self, source: str, ref: str) -> None:
        """What was to be had at `source`, whatever that names, is this file. Raises `StoreDown`."""

    async def remembered(self, source: str) -> str | None:
        """Its `ref`. Raises `StoreDown`."""


class Finding(Struct, frozen=True):
    """One thing that was looked at while an account was checked."""

    ok: bool
    what: str
    do: str = ""


class BuildChannel(Protocol):
    """What a channel's module offers as `build`, beside its `Settings`, a pydantic model; the registry names it."""

    def __call__(
        self, account: str, settings: Any, *, clock: Clock, random: Random, vault: Vault, files: FileStore
    ) -> Channel:
        """No I/O. Raises `SettingsError` for settings that do not go together."""


@runtime_checkable
class Sending(Protocol):
    """A channel whose messages are pushed. The web has none: its readers tail the log."""

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        """One fitted piece, one attempt, no retry inside.

        `key` is the piece's id; `again`: an earlier attempt may have arrived; `shown`: the draft this message settles,
        which it takes the place of; `reply_to`: the platform's id of the message it answers, given where `can` has
        `reply_to`, and no reason to fail when that message is gone. Raises `NotSent`.
        """


# What a channel may offer beside that: found by `isinstance`, and each is matched by a field of `Capabilities`


@runtime_checkable
class Routes(Protocol):
    """A channel that platforms call over HTTP."""

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        """By path; each answers only after `receive` has returned."""


@runtime_checkable
class Typing(Protocol):
    async def typing(self, to: Address) -> None:
        """One pulse; it fades by itself. A failure is logged and never raised."""


class Shown(Struct, frozen=True):
    """A draft as it stands on the platform."""

    ref: str
    """The platform's id of it."""
    text: str
    since: datetime


@runtime_checkable
class Streaming(Protocol):
    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        """The whole text so far, in markdown that may break off anywhere (`bot.markup.healed` closes what is open).

        `key` is the draft's; `shown` what the call before gave. What is returned holds `text` as it was given. Raises
        `NotSent`.
        """

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        """Nothing comes of it: take it away, or leave `say` in its place."""


@runtime_checkable
class Files(Protocol):
    def fetch(self, media: Media) -> AsyncIterator[bytes]:
        """What a customer sent, in pieces. Raises `Unshowable` when it is too large, `Unreachable`, `Forbidden`."""


@runtime_checkable
class Editing(Protocol):
    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        """Write a message of ours anew. Raises `NotSent`."""

    async def delete(self, to: Address, ref: str) -> None: ...

    async def react(self, to: Address, ref: str, emoji: str | None) -> None:
        """None: take the reaction back."""


@runtime_checkable
class Threads(Protocol):
    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        """A thread of its own in that chat; the address leads into it. Raises `NotSent`."""


@runtime_checkable
class Backfill(Protocol):
    def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        """What was said while nobody listened, oldest first; `since`: by chat, the platform's id of the last known."""


# Language model


class Candidate(Struct, frozen=True, kw_only=True):
    """A flow the model may start."""

    flow: str
    about: str
    examples: tuple[str, ...]
    slots: tuple[str, ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """One line of the conversation as the model may see it."""

    by: Literal["customer", "bot", "agent"]
    text: str


class Tool(Struct, frozen=True, kw_only=True):
    """An action without effect that the model may call."""

    name: str
    about: str = ""
    arguments: Mapping[str, Json] = {}
    """JSON Schema of an object."""


class Called(Struct, frozen=True):
    """The model wants to know what a tool gives: it is asked again, with the answer among what it was `told`."""

    tool: str
    arguments: Mapping[str, Json]


class Told(Struct, frozen=True):
    called: Called
    result: Json = None
    error: str = ""
    """Empty: it succeeded."""


class Ask(Struct, frozen=True, kw_only=True):
    """All a model may know of a turn: data, never a finished prompt."""

    instructions: str
    words: str
    """What the customer said in this turn."""
    history: tuple[Line, ...]
    """Before this turn, oldest first; begins at the last end-of-human marker."""
    language: str
    passages: tuple[Passage, ...] = ()
    flows: tuple[Candidate, ...] = ()
    flow: str = ""
    """The flow in progress; empty: none."""
    question: str = ""
    """The pending question, as it was asked."""
    slots: Mapping[str, str] | None = None
    """Slots the model may set: name to what it is."""
    instruction: str = ""
    """What the last agent told the bot on handing back."""
    task: str = ""
    """What the model is to reach where it leads; empty: it answers, and a flow or nobody leads."""
    tools: tuple[Tool, ...] = ()
    told: tuple[Told, ...] = ()
    """What it called in this turn, in order, and what came of it."""
    restyle: str = ""
    """A text that it is to say in other words, and nothing else."""
    freely: bool = False
    """It may answer from that text instead."""


class Words(Struct, frozen=True):
    """The next characters of the answer."""

    text: str


class Wanted(Struct, frozen=True):
    command: Command


class Cited(Struct, frozen=True):
    passage: Passage


class Usage(Struct, frozen=True):
    asked: int
    answered: int
    """Tokens."""


Answer = Words | Wanted | Called | Cited | Usage


class LanguageModel(Protocol):
    """Answers with words and commands. Raises `ModelDown` at any point; closing the iterator ends the request."""

    name: str

    def answer(self, ask: Ask, /) -> AsyncIterator[Answer]: ...


class Knowledge(Protocol):
    async def search(self, words: str, *, language: str, most: int = 4) -> tuple[Passage, ...]:
        """Best first; empty when nothing in the documents speaks of it."""


# Responders


class Draft(Protocol):
    """Text that streams and is not yet said."""

    def add(self, text: str) -> None: ...

    @property
    def stopped(self) -> bool:
        """The customer ended it, or a human took over: produce no more."""


class Powers(Protocol):
    """What the engine does on a responder's behalf during one turn."""

    async def quiet(self) -> None:
        """Wait the quiet window out before a model is asked.

        When something arrived meanwhile, this does not return: the longer turn is offered again from the start.
        """

    async def history(self, most: int = 40) -> tuple[Event, ...]:
        """Events of this conversation before the turn, oldest first, notes and discarded drafts left out."""

    def draft(self) -> Draft: ...


class Leader(Protocol):
    """Speaks where a flow lets the model lead, when the customer has said nothing that it could answer."""

    async def lead(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        """What to say first. Declines where nobody can: the flow then goes on without a model."""

    async def restyle(self, turn: Turn, powers: Powers, message: Message, mode: Mode, /) -> Message:
        """The message in other words that say the same, or as it is. Never raises for what a model did."""


class Responder(Protocol):
    """May take a turn, or decline. The first that does not decline decides."""

    name: str

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined: ...
