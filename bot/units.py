"""What can be written to and asked of a store: a closed set of frozen data.

Every unit is indivisible. Where a unit has a guard, its result says whether it passed; a failed guard writes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from bot.model import (
    Acted,
    Acting,
    Address,
    AgentId,
    Author,
    Body,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    DeliveryId,
    Emptied,
    Event,
    Filled,
    HandoffId,
    HandoffReason,
    Incoming,
    Json,
    Message,
    State,
    Status,
)
from bot.ports import Question, Shown, Unit

# Parts of units


class Entry(Struct, frozen=True):
    """An event to append: the store gives `seq` and `prev`."""

    author: Author
    body: Body
    epoch: int
    public: bool = False
    deliver: bool = False
    """Insert a delivery as well. Only a public `Said` can have one; the database refuses any other."""
    once: bool = False
    """It tells of money or confirms something: where it may have arrived and nobody can tell, it is not sent again."""


class Lease(Struct, frozen=True):
    worker: str
    span: timedelta


class Claimed(Struct, frozen=True, kw_only=True):
    """A conversation that this worker may take a turn in, until its lease ends."""

    conversation: Conversation
    """`fence` and `attempts` already raised."""
    state: State
    inputs: tuple[Event, ...] | None
    """What is unheard, oldest first; None: more than the unit knew of, ask `Unheard`."""


class NewHandoff(Struct, frozen=True, kw_only=True):
    id: HandoffId
    reason: HandoffReason
    queue: str
    note: str
    priority: int = 0
    """Higher is served first."""


# T0, T1


class Accept(Unit["Kept"], frozen=True, kw_only=True):
    """T0: append what came in, once per (account of the channel, key). Makes contact and conversation at need.

    A customer's event reopens a resolved conversation (status `open`). With `lease`, and when the conversation's lease
    is free and it is ready, the lease is taken in the same update.

    `Echoed` is a takeover by whoever said it, and is appended as theirs; with `Migrated` all conversations of the chat
    go on in the other; while somebody is not `Reachable` no timer rings there.
    """

    channel: str
    account: str
    key: str
    twin: str | None
    digest: bytes
    """Of what was said, without times and transport: equal for an honest repeat."""
    to: Address
    by: str
    name: str
    language: str
    zone: str = ""
    """IANA; kept with an identity that begins here."""
    at: datetime
    """When it was accepted (ours), not when the platform says it was written."""
    bodies: tuple[Incoming, ...]
    conversation: ConversationId
    contact: ContactId
    """Ids to use where none exists yet: whoever writes for the first time may have the id of the conversation."""
    initial: State
    """State of a new conversation."""
    lease: Lease | None = None
    asks: bool = False
    """Tell how the conversation stands."""
    agent: Author | None = None
    """Of the console: who said what was `Echoed`; None: nobody we know."""


class Kept(Struct, frozen=True, kw_only=True):
    fresh: bool
    conversation: ConversationId
    events: tuple[Event, ...]
    """As appended; empty when not fresh."""
    seq: int
    """Of the last event appended, or of the first time's when not fresh."""
    differs: bool = False
    claimed: Claimed | None = None
    stands: tuple[Conversation, State] | None = None
    """As it was when this came, where the unit asks for it."""


class KeepDead(Unit[None], frozen=True, kw_only=True):
    """Keep what could not be parsed, or came twice with different bodies, with its raw bytes."""

    channel: str
    account: str
    key: str
    why: str
    raw: bytes
    at: datetime


class Prune(Unit[int], frozen=True, kw_only=True):
    """Forget dedupe keys from before an instant, oldest first. Gives how many; `most`: there may be more."""

    before: datetime
    most: int = 1000


class Claim(Unit[tuple[Claimed, ...]], frozen=True, kw_only=True):
    """T1: take ready conversations whose lease is free, oldest ready first.

    Ready: `input_seq > heard`, `ready_at` reached, control not `paused`. Raises `fence` and `attempts` by one each.
    """

    lease: Lease
    most: int
    conversation: ConversationId | None = None
    """Only this one."""


class Renew(Unit[bool], frozen=True, kw_only=True):
    """False: the lease is lost; stop producing and write nothing."""

    conversation: ConversationId
    fence: int
    lease: Lease


class Release(Unit[bool], frozen=True, kw_only=True):
    """Give the lease back without an outcome; ready again after `pause`."""

    conversation: ConversationId
    fence: int
    pause: timedelta = timedelta(0)


class Ring(Unit[tuple["Rung", ...]], frozen=True, kw_only=True):
    """Timers that are due become inputs (`Rang`), those that have waited longest first; each rings once.

    Where the bot has the floor, nothing is unheard, and the conversation is not resolved. With `lease`, those whose
    lease is free are claimed with it.
    """

    at: datetime
    """By the wall clock, as timers are."""
    most: int
    lease: Lease | None = None


class Rung(Struct, frozen=True):
    conversation: ConversationId
    event: Event
    claimed: Claimed | None = None


# T2, T3, T4


class Intend(Unit[Event | None], frozen=True, kw_only=True):
    """T2: the intent to run an action, under fence and epoch. None: the guard failed, do not call."""

    conversation: ConversationId
    fence: int
    epoch: int
    turn: int
    acting: Acting
    at: datetime


class Record(Unit[Event], frozen=True, kw_only=True):
    """T3: what the action gave, guarded by its key alone: the first result wins and is what is returned."""

    conversation: ConversationId
    fence: int
    epoch: int
    turn: int
    acted: Acted
    at: datetime


class Commit(Unit["Committed | Lost"], frozen=True, kw_only=True):
    """T4: everything a turn did, under fence and epoch.

    Appends, writes the state (version + 1), sets the alarm for the first of its timers, inserts deliveries, moves
    `heard`, resets `attempts`; gives the lease back unless more input waits.
    """

    conversation: ConversationId
    fence: int
    epoch: int
    turn: int
    heard: int
    """Seq of the turn's last input."""
    entries: tuple[Entry, ...]
    state: State
    language: str
    at: datetime
    control: Control | None = None
    """The change of control that ends this turn: the row's, under the next epoch."""
    handoff: NewHandoff | None = None
    draft: bool = False
    """A draft stands on the platform: the first message that is delivered settles it."""
    learnt: tuple[Filled | Emptied, ...] = ()
    """Slots of scope `customer` that the turn filled and emptied: known in the contact's other conversations, too."""


class Committed(Struct, frozen=True):
    events: tuple[Event, ...]
    conversation: Conversation
    """As after the commit; `input_seq > heard`: more waits and the lease is kept."""


class Lost(Struct, frozen=True):
    """Nothing was written. `fence`: somebody else has the turn, or it is over. `epoch`: control moved, to `control`."""

    guard: Literal["fence", "epoch"]
    control: Control


# The desk


class Amend(Unit["Amended | Stale | Behind | Missing"], frozen=True, kw_only=True):
    """What agents and the API write: words, notes, changes of control and status, in one unit.

    Guards, each only where given: `epoch` equals the row's; no customer's or colleague's public event above `seen`.
    With `key` a repeat writes nothing and returns the first time's result. When `control` is given, the bot's unsent
    deliveries of older epochs are cancelled.
    """

    conversation: ConversationId
    entries: tuple[Entry, ...]
    at: datetime
    epoch: int | None = None
    seen: int | None = None
    by: AgentId | None = None
    """Whose own events do not count against `seen`."""
    key: str = ""
    control: Control | None = None
    status: Status | None = None
    reset: State | None = None
    """Replaces the state (version + 1)."""
    version: int | None = None
    """Of the state that `reset` was made from: guards it."""


class Amended(Struct, frozen=True):
    events: tuple[Event, ...]
    conversation: Conversation
    in_flight: DeliveryId | None = None
    """With a change of control: the one delivery of the bot that may already be on the wire."""
    again: bool = False
    """A repeat: nothing was written now."""


class Stale(Struct, frozen=True):
    """The epoch moved, or the state."""

    conversation: Conversation


class Behind(Struct, frozen=True):
    """Exactly the events above `seen` that the guard met."""

    events: tuple[Event, ...]


class Missing(Struct, frozen=True):
    pass


# T5, T6

DeliveryState = Literal["waiting", "sending", "sent", "unknown", "cancelled", "dead"]


class Delivery(Struct, frozen=True, kw_only=True):
    """One message on its way to one platform."""

    id: DeliveryId
    conversation: ConversationId
    seq: int
    to: Address
    message: Message
    author: Author
    epoch: int
    attempt: int
    """Of this claim; the first is 1."""
    done: int
    """Pieces that already have a receipt: go on after them."""
    failures: int = 0
    """Attempts so far that count towards the dead letter."""
    again: bool
    """An earlier attempt may have arrived."""
    plain: bool
    """The platform refused it once: send it as plain text."""
    once: bool = False
    """See `Entry`."""
    revises: int = 0
    """Seq of the message that it takes the place of; 0: it is one of its own."""
    shown: Shown | None = None
    """The draft that its first piece settles."""
    age: timedelta
    """Since it was said, in the store's own time: no step of a sender's wall clock makes it older."""


class SendClaim(Unit[tuple[Delivery, ...]], frozen=True, kw_only=True):
    """T5: the heads of lines that are due, one per conversation, each marked `sending` under a new attempt.

    What the bot wrote is cancelled instead when the epoch moved since; when it may be on the wire already, its outcome
    is `unknown`. A `sending` row whose lease ended becomes claimable again, with `again` set.
    """

    lease: Lease
    most: int
    channels: frozenset[tuple[str, str]]
    """(channel, account) that this process can send for."""
    drafts: bool = False
    """Some of them show drafts."""


class Settle(Unit[bool], frozen=True, kw_only=True):
    """T6, guarded by the attempt: the piece's receipt, or what became of it. False: a later attempt has it."""

    delivery: DeliveryId
    attempt: int
    state: DeliveryState
    """`waiting`: try again at `due_at`; `sending`: one more piece has its receipt and the next follows."""
    done: int
    refs: tuple[str, ...]
    at: datetime
    due_at: datetime | None = None
    error: str = ""
    plain: bool = False
    counted: bool = True
    """Whether this attempt, when it failed, counts towards the dead letter."""
    again: bool = False
    """It may have arrived all the same: the next attempt is told."""
    settles: bool = False
    """The draft is now this message."""


class PutDraft(Unit[None], frozen=True, kw_only=True):
    """How a draft stands on its platform now; one for each conversation."""

    conversation: ConversationId
    to: Address
    turn: int
    shown: Shown


class DropDraft(Unit[bool], frozen=True):
    """It stands there no longer. False: that was known."""

    conversation: ConversationId


class DraftOf(Question[Shown | None], frozen=True):
    """The draft that an earlier attempt at this turn has left."""

    conversation: ConversationId
    turn: int


class RefOf(Question[str], frozen=True):
    """The platform's id of the message an event is about: the one that was heard, or the first that ours became.

    Empty: it has none.
    """

    conversation: ConversationId
    seq: int


class RefsOf(Question[tuple[str, ...]], frozen=True):
    """All that a message of ours is on its platform now, after it was written anew."""

    conversation: ConversationId
    seq: int


class StrandedDraft(Struct, frozen=True):
    conversation: ConversationId
    to: Address
    shown: Shown


class Stranded(Question[tuple[StrandedDraft, ...]], frozen=True, kw_only=True):
    """Drafts of which nothing will come."""

    channels: frozenset[tuple[str, str]]
    most: int = 20


# Accounts of the console


class Agent(Struct, frozen=True, kw_only=True):
    id: AgentId
    email: str
    name: str
    role: Literal["agent", "admin"]
    password: str
    """argon2id hash."""
    disabled: bool
    created_at: datetime


class PutAgent(Unit[bool], frozen=True):
    """Add, or replace by id. False: another account has this e-mail address."""

    agent: Agent


class SignIn(Struct, frozen=True, kw_only=True):
    """A sign-in, kept under the hash of its cookie."""

    digest: bytes
    agent: AgentId
    csrf: str
    created_at: datetime
    seen_at: datetime


class PutSignIn(Unit[None], frozen=True):
    """Add, or move `seen_at`."""

    sign_in: SignIn


class DropSignIns(Unit[None], frozen=True, kw_only=True):
    """One sign-in, or all of an agent's."""

    digest: bytes | None = None
    agent: AgentId | None = None


# Questions


class Unheard(Question[tuple[Event, ...]], frozen=True):
    """Input events above `heard`, oldest first."""

    conversation: ConversationId
    heard: int


class Log(Question[tuple[Event, ...]], frozen=True, kw_only=True):
    """Events with `after < seq < before`, oldest first; at most `most` of them, the first or (`latest`) the last."""

    conversation: ConversationId
    after: int = 0
    before: int | None = None
    most: int = 200
    latest: bool = False
    public: bool = False


class Find(Question["Found | None"], frozen=True):
    """A conversation by its id or by its address."""

    conversation: ConversationId | None = None
    address: Address | None = None


class Found(Struct, frozen=True):
    conversation: Conversation
    state: State


class NextAlarm(Question[datetime | None], frozen=True):
    """When the first timer is due that could ring as things stand."""


class CustomerSlots(Question[dict[str, Json]], frozen=True):
    """What is known of a contact in all conversations."""

    contact: ContactId


class Latest(Question[Conversation | None], frozen=True, kw_only=True):
    """The open conversation a visitor spoke in last."""

    channel: str
    account: str
    chat: str


View = Literal["needs-reply", "mine", "unassigned", "bot", "resolved", "all"]


class Queue(Question["QueuePage"], frozen=True, kw_only=True):
    """Conversations of one view: those that wait by priority and then the longest first, else the latest first.

    needs-reply: `waiting_since` is set. mine: held by `agent`. unassigned: queued or offered. bot: open, with the bot.
    resolved. all: every open one. `search` is matched against customer's name and last words.
    """

    view: View
    agent: AgentId
    most: int = 50
    cursor: str | None = None
    search: str = ""
    conversation: ConversationId | None = None
    """Only this one, if it is in the view."""


class QueueRow(Struct, frozen=True, kw_only=True):
    conversation: Conversation
    customer: str
    """The contact's name; empty: unknown."""
    reason: str
    note: str
    """Of the present handoff."""
    priority: int
    """Of the present handoff: higher is served first."""
    last_by: Literal["customer", "bot", "agent", "system"]
    last_text: str
    """Start of the last public message."""
    last_at: datetime
    waiting_since: datetime | None
    """Since when the customer waits for a human's words."""
    unread: int
    """The customer's messages since the last public words of an agent or the bot."""


class QueuePage(Struct, frozen=True):
    rows: tuple[QueueRow, ...]
    next: str | None


class CountViews(Question[dict[View, int]], frozen=True):
    """How many each view holds; nothing is counted beyond 1,000, which then means "or more"."""

    agent: AgentId


class ContactOf(Question["ContactCard | None"], frozen=True):
    conversation: ConversationId


class ContactCard(Struct, frozen=True, kw_only=True):
    id: ContactId
    name: str
    language: str
    created_at: datetime
    conversations: int
    identities: tuple[tuple[str, str], ...]
    """(channel, external id)"""


class FindAgent(Question[Agent | None], frozen=True, kw_only=True):
    id: AgentId | None = None
    email: str | None = None


class Agents(Question[tuple[Agent, ...]], frozen=True):
    pass


class FindSignIn(Question[tuple[SignIn, Agent] | None], frozen=True):
    digest: bytes


class Deliveries(Question[tuple[tuple[DeliveryId, int, DeliveryState, str], ...]], frozen=True):
    """(id, seq, state, error) of a conversation's deliveries, oldest first."""

    conversation: ConversationId


class DeadLetters(Question[tuple[KeepDead, ...]], frozen=True):
    most: int = 100


class Backlog(Question["BacklogFound"], frozen=True):
    """What waits to be done. Nothing is counted beyond 1,000, which then means "or more"."""


class BacklogFound(Struct, frozen=True, kw_only=True):
    unheard: int
    """Conversations with input that no turn has heard; those whose control is `paused` do not count."""
    unheard_since: datetime | None
    """When the oldest such input was accepted."""
    waiting: int
    """Conversations in which the customer waits for a human's words."""
    waiting_since: datetime | None
    unsent: int
    """Deliveries that have not ended."""
    unsent_since: datetime | None
    dead: int
    """Deliveries that were given up."""
    unreadable: int
    """Arrivals kept as dead letters."""


class Unsent(Question[int], frozen=True):
    """Deliveries of one account that have not ended. Nothing is counted beyond 1,000, which then means "or more"."""

    channel: str
    account: str


# People


class Identity(Struct, frozen=True, kw_only=True):
    """Who a contact is on one channel."""

    channel: str
    external: str
    language: str
    """BCP 47; empty: not known."""
    zone: str
    """IANA; empty: not known."""
    merged: bool
    """It came from another contact, and can go back there."""


class Identities(Question[tuple[Identity, ...]], frozen=True):
    contact: ContactId


class Person(Struct, frozen=True, kw_only=True):
    contact: ContactId
    name: str
    conversations: int
    identities: tuple[tuple[str, str], ...]
    """(channel, external id)"""


class FindPeople(Question[tuple[Person, ...]], frozen=True, kw_only=True):
    """Who has `search` in their name or in one of their ids, the latest first.

    Who has no name goes by the last four characters of their contact: a search that ends so finds them.
    """

    search: str
    most: int = 20


class PutIdentity(Unit[bool], frozen=True, kw_only=True):
    """What is known of an identity; None: as it was. False: there is no such identity."""

    channel: str
    external: str
    language: str | None = None
    zone: str | None = None


class Merge(Unit[bool], frozen=True):
    """Two contacts are one person: identities and conversations of the second are the first's from now on.

    Logs stay as they are; of what is known of both the first's counts. False: one of them does not exist.
    """

    into: ContactId
    contact: ContactId


class Unmerge(Unit[ContactId | None], frozen=True):
    """An identity goes back to the contact it had, with the conversations it began. None: it never was another's."""

    channel: str
    external: str


Linked = Literal["linked", "same", "unknown", "too_many"]
"""`same`: it is one person already. `unknown`: no such code, or it is used or too old. `too_many`: wrong ones."""


class IssueLink(Unit[None], frozen=True, kw_only=True):
    digest: bytes
    """Of the code."""
    contact: ContactId
    at: datetime
    until: datetime


class RedeemLink(Unit[Linked], frozen=True, kw_only=True):
    """Whoever types the code is whoever asked for it: their contact is merged into that one."""

    digest: bytes
    channel: str
    external: str
    at: datetime


# Accounts of channels


class PutSecret(Unit[None], frozen=True, kw_only=True):
    """What an account keeps for itself, sealed already; None: forget it."""

    account: str
    name: str
    sealed: bytes | None
    at: datetime


class Secret(Question[bytes | None], frozen=True):
    account: str
    name: str


class SecretNames(Question[tuple[str, ...]], frozen=True):
    """Of one account, those that begin so; sorted."""

    account: str
    prefix: str = ""


class Hold(Unit[int | None], frozen=True, kw_only=True):
    """Take what only one may have, or keep it for longer: its fence, raised whenever it changes hands.

    None: another worker has it.
    """

    name: str
    lease: Lease


class LetGo(Unit[bool], frozen=True, kw_only=True):
    """Somebody else may have it at once. False: it was another's already."""

    name: str
    worker: str


# Flows


class PublishedFlow(Struct, frozen=True, kw_only=True):
    """One version of one flow, with all that is needed to read it again."""

    flow: str
    version: str
    structure: bytes
    """`bot.flow.structure.Structure` as JSON."""
    source: bytes
    """`bot.flow.book.FlowSource` as JSON."""
    at: datetime = datetime.min.replace(tzinfo=UTC)
    """When it was published last; a unit need not give it."""


class Publish(Unit["Issued"], frozen=True, kw_only=True):
    """Keep versions of flows, each once; one that is published again has its words as they are now."""

    flows: tuple[PublishedFlow, ...]
    at: datetime


class Issued(Struct, frozen=True):
    before: tuple[tuple[str, str], ...]
    """(flow, version) of what was published last before, one of each flow there is."""
    at: datetime
    """Later than any time before."""


class Publication(Question[PublishedFlow | None], frozen=True):
    flow: str
    version: str


class Published(Question[tuple[tuple[str, str], ...]], frozen=True):
    """(flow, version) of what was published last, one of each flow there is, by name."""


class Standing(Question[tuple[tuple[ConversationId, State], ...]], frozen=True, kw_only=True):
    """Conversations that are not closed, by id, after one of them; at most `most`."""

    after: ConversationId = ConversationId("")
    most: int = 500
    besides: frozenset[tuple[str, str]] = frozenset()
    """(channel, account) whose conversations are left out: another assistant has them."""


# Knowledge


class IndexedPassage(Struct, frozen=True, kw_only=True):
    heading: str
    text: str
    terms: tuple[str, ...]
    """Made by our own pure function: folded, lightly stemmed; with repeats."""


class PutDocument(Unit[None], frozen=True, kw_only=True):
    """Replace a document and its passages."""

    name: str
    title: str
    language: str
    address: str
    digest: bytes
    passages: tuple[IndexedPassage, ...]
    at: datetime


class DropDocument(Unit[bool], frozen=True):
    name: str


class Document(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    language: str
    digest: bytes
    passages: int


class Documents(Question[tuple[Document, ...]], frozen=True):
    within: str | None = None
    """As of `Candidates`."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A passage that holds at least one of the terms asked for."""

    document: str
    title: str
    language: str
    address: str
    heading: str
    text: str
    terms: tuple[str, ...]


class CandidatesFound(Struct, frozen=True):
    candidates: tuple[Candidate, ...]
    passages: int
    """In the whole index."""
    mean_terms: float
    """Average number of terms of a passage."""
    holding: dict[str, int]
    """Term to the number of passages that hold it."""


class Candidates(Question[CandidatesFound], frozen=True, kw_only=True):
    """Full-text candidates for ranking by our own BM25, so that both databases rank alike."""

    terms: tuple[str, ...]
    most: int = 50
    within: str | None = None
    """Only documents whose name begins so; empty: those of the desk's own folder. None: all."""
