"""Who may speak, and the work of human agents: the decisions are functions, `Desk` carries them out through the store.

Every change of control raises the epoch by one, and what it says stands under the new epoch. Knows no platform, no
console and no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, assert_never

import msgspec
from msgspec.structs import replace

from bot import markup
from bot.clean import clean, clean_json
from bot.errors import ControlMoved, NewerEvents, NotFound, Refusal
from bot.fit import plain
from bot.flow.fold import fold_event
from bot.model import (
    BOT,
    SYSTEM,
    Address,
    AgentId,
    Author,
    Body,
    Control,
    Controlled,
    Conversation,
    ConversationId,
    Event,
    How,
    Json,
    Media,
    Message,
    Noted,
    Partial,
    Returned,
    Said,
    Settled,
    Signalled,
    Span,
    State,
    Status,
    Text,
    Verdict,
    is_input,
)
from bot.ports import Bus, Capabilities, Clock, Happened, Store
from bot.units import Agent, Amend, Amended, Behind, Entry, Find, Found, Log, Missing, NewHandoff, Stale

_CHANGES: frozenset[Literal["edit", "delete"]] = frozenset(("edit", "delete"))
_NEVER = -1
"""An epoch that no row has: a unit under it writes nothing, and a repeat is still recognised by its key."""


class Notices(Protocol):
    """The system's lines to the customer: `handoff_asked`, `handoff_joined` (name), `handoff_returned`,
    `handoff_cancelled`, `resolved`. An unknown language gets the default one, never an error."""

    def __call__(self, key: str, language: str, args: Mapping[str, str], /) -> Message: ...


# Decisions


class Change(NamedTuple):
    """The control after it, and what is written with it; None and nothing where all is as wanted already."""

    control: Control | None
    entries: tuple[Entry, ...]


_NOTHING = Change(None, ())


def request(
    conversation: Conversation,
    handoff: NewHandoff,
    *,
    at: datetime,
    notices: Notices,
    deliver: bool,
    by: Author = BOT,
    instead: bool = False,
) -> Change:
    """A human is wanted. A second request, or one that comes when a human is there, changes nothing.

    `instead`: it takes the place of the one that nobody has taken yet.
    """
    if conversation.control.state not in (("bot", *_AWAITED) if instead else ("bot",)):
        return _NOTHING
    notice = notices("handoff_asked", conversation.language, {})
    control = Control("queued", reason=handoff.reason, handoff=handoff.id)
    return _change(conversation, control, by, handoff.reason, at=at, notice=notice, deliver=deliver)


def drop_request(
    conversation: Conversation,
    *,
    at: datetime,
    notices: Notices,
    deliver: bool,
    by: Author = BOT,
    expired: bool = False,
) -> Change:
    """The customer no longer waits for a human. When nobody waits, nothing changes.

    `expired`: nobody came in time; else the customer no longer wanted one.
    """
    if conversation.control.state not in _AWAITED:
        return _NOTHING
    notice = notices("handoff_returned" if expired else "handoff_cancelled", conversation.language, {})
    why = "expired" if expired else "cancelled"
    return _change(conversation, Control(), by, why, at=at, notice=notice, deliver=deliver)


def take_over(conversation: Conversation, agent: Agent, *, at: datetime, notices: Notices, deliver: bool) -> Change:
    """The agent has the floor, and a closed conversation is open again. For the holder nothing changes.

    Raises `ControlMoved` when a colleague has it, except for an admin, and while everybody is paused.
    """
    was = conversation.control
    if may_speak(agent, was):
        return _NOTHING
    _refuse_unless(_may_move(agent, was), was)
    notice = notices("handoff_joined", conversation.language, {"name": agent.name})
    control = replace(was, state="human", holder=agent.id, holder_name=agent.name)
    change = _change(conversation, control, author(agent), "taken over", at=at, notice=notice, deliver=deliver)
    return change if conversation.status == "open" else _with(change, author(agent), Settled("open", "taken over"))


def hand_back(
    conversation: Conversation,
    agent: Agent,
    how: How,
    instruction: str,
    *,
    verdict: Verdict = "",
    step: str = "",
    at: datetime,
    notices: Notices,
    deliver: bool,
) -> Change:
    """The bot has the floor and takes a turn on the end-of-human marker. Where it has it already, nothing changes.

    Raises `ControlMoved` for anyone but the holder and an admin.
    """
    was = conversation.control
    if was.state == "bot":
        return _NOTHING
    _refuse_unless(was.state in _WITH_A_HUMAN and _may_move(agent, was), was)
    notice = notices("handoff_returned", conversation.language, {})
    change = _change(conversation, Control(), author(agent), "handed back", at=at, notice=notice, deliver=deliver)
    return _with(change, author(agent), Returned(how, agent.name, instruction, verdict, step))


def resolve(
    conversation: Conversation, agent: Agent, reason: str, *, at: datetime, notices: Notices, deliver: bool
) -> Change:
    """Closed, with the bot for whatever comes next. Where that is so already, nothing changes.

    Raises `ControlMoved` when a colleague has it, except for an admin, and while everybody is paused.
    """
    was = conversation.control
    if was.state == "bot" and conversation.status == "resolved":
        return _NOTHING
    _refuse_unless(_may_move(agent, was), was)
    # The epoch rises where the bot has the floor, too: a turn in the air must not answer what was closed meanwhile.
    notice = notices("resolved", conversation.language, {})
    change = _change(conversation, Control(), author(agent), "resolved", at=at, notice=notice, deliver=deliver)
    return _with(change, author(agent), Settled("resolved", reason))


def author(agent: Agent) -> Author:
    return Author("agent", agent.id, agent.name)


def may_speak(agent: Agent, control: Control) -> bool:
    """Whether the agent's words may go to the customer."""
    return control.state == "human" and control.holder == agent.id


_AWAITED = ("queued", "offered")
_WITH_A_HUMAN = ("human", "wrap_up")


def _may_move(agent: Agent, control: Control) -> bool:
    if control.state == "paused":
        return False
    return control.state not in _WITH_A_HUMAN or control.holder == agent.id or agent.role == "admin"


def _refuse_unless(allowed: bool, control: Control) -> None:
    if not allowed:
        raise ControlMoved(control)


def _change(
    conversation: Conversation, to: Control, by: Author, why: str, *, at: datetime, notice: Message, deliver: bool
) -> Change:
    control = replace(to, epoch=conversation.control.epoch + 1, since=at)
    return Change(
        control,
        (
            Entry(by, Controlled(control, conversation.control.state, by, why), control.epoch, public=True),
            Entry(SYSTEM, Said(notice), control.epoch, public=True, deliver=deliver),
        ),
    )


def _with(change: Change, by: Author, body: Body) -> Change:
    return Change(change.control, (*change.entries, Entry(by, body, change.entries[0].epoch)))


async def _none_known(address: Address, state: State) -> Collection[str]:
    return ()


# What is done


class Desk:
    """The agents' calls. Each is one unit of work, and tells the bus after its commit.

    All raise `NotFound`, `StoreDown` and, where the conversation is not as the caller saw it, `ControlMoved` or
    `NewerEvents`: then nothing was written. A repeat under the same key of the same agent writes nothing and returns
    what it returned the first time (`again`); so does a call whose aim is reached already.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        notices_at: Callable[[Address], Notices],
        *,
        delivers: frozenset[str],
        wake: Callable[[ConversationId], None],
        drafted: Callable[[ConversationId], str] = lambda conversation: "",
        steps_of: Callable[[Address, State], Awaitable[Collection[str]]] = _none_known,
        can_at: Callable[[Address], Capabilities | None] = lambda address: None,
    ) -> None:
        """`notices_at`: of the assistant that serves an address. `delivers`: the channels whose messages are pushed.
        `wake`: a turn may be due. `drafted`: what the customer sees of an answer that streams now. `steps_of`: where
        the flows in progress may go on. `can_at`: of the channel there; None: its readers have the log."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._notices_at = notices_at
        self._delivers = delivers
        self._wake = wake
        self._drafted = drafted
        self._steps_of = steps_of
        self._can_at = can_at

    async def take_over(self, conversation: ConversationId, agent: Agent, epoch: int, *, key: str = "") -> Amended:
        """`in_flight` of what it returns is the one message of the bot that may still arrive."""

        def decide(found: Found) -> Amend:
            return self._amend(found, self._taken_over(found.conversation, agent), epoch=epoch, status="open")

        return await self._do(conversation, _key(agent, "take-over", key), decide)

    async def reply(
        self,
        conversation: ConversationId,
        agent: Agent,
        text: str,
        *,
        seen: int,
        epoch: int,
        key: str = "",
        claim: bool = False,
        reply_to: int | None = None,
        files: tuple[Media, ...] = (),
    ) -> Amended:
        """Say something publicly. Only the holder may; with `claim` anyone takes over and says it in one unit.

        `seen` is the last seq on the agent's screen; `reply_to` the message that is answered, shown where the platform
        can; `files` are ours. Raises `Refusal` when there is nothing to say.
        """
        message = replace(_with_files(text, files) if files else _message(text), reply_to=reply_to)

        def decide(found: Found) -> Amend:
            now = found.conversation
            _refuse_unless(claim or may_speak(agent, now.control), now.control)
            control, entries = self._taken_over(now, agent)
            under = control.epoch if control else epoch
            said = Entry(author(agent), Said(message), under, public=True, deliver=self._is_sent(now))
            change = Change(control, (*entries, said))
            status: Status | None = "open" if control else None
            return self._amend(found, change, epoch=epoch, seen=seen, by=agent.id, status=status)

        return await self._do(conversation, _key(agent, "reply", key), decide)

    async def revise(
        self, conversation: ConversationId, agent: Agent, seq: int, text: str, *, key: str = ""
    ) -> Amended:
        """Write one of their own messages anew; the log keeps both. A channel that cannot edit gets a correction.

        Raises `Refusal` for what is no message of theirs, or has more to it than words.
        """
        message, was = _message(text), await self._own(conversation, agent, seq)
        if not was.parts:
            raise Refusal("this message was taken back")
        if any(not isinstance(part, Text) for part in was.parts):
            raise Refusal("only words can be changed: take this message back, and send it again")

        def decide(found: Found) -> Amend:
            now = found.conversation
            if message == was:
                return self._amend(found, _NOTHING)
            if "edit" in self.changes(now.address):
                said = Said(message, revises=seq)
            else:
                _refuse_unless(may_speak(agent, now.control), now.control)
                notice = self._notices_at(now.address)("correction", now.language, {"text": _clean(text)})
                said = Said(_message("\n".join(map(plain, notice.parts))))
            return self._amend(found, Change(None, (self._public(now, agent, said),)))

        return await self._do(conversation, _key(agent, "revise", key), decide)

    async def withdraw(self, conversation: ConversationId, agent: Agent, seq: int, *, key: str = "") -> Amended:
        """Take one of their own messages back. Raises `Refusal` for any other, and where the channel cannot."""
        was = await self._own(conversation, agent, seq)

        def decide(found: Found) -> Amend:
            now = found.conversation
            if not was.parts:
                return self._amend(found, _NOTHING)
            if "delete" not in self.changes(now.address):
                raise Refusal("nothing can be taken back on this channel: send a correction")
            return self._amend(found, Change(None, (self._public(now, agent, Said(Message(()), revises=seq)),)))

        return await self._do(conversation, _key(agent, "withdraw", key), decide)

    async def _own(self, conversation: ConversationId, agent: Agent, seq: int) -> Message:
        """A message of the agent's as it stands now; without parts it is taken back."""
        found = await self._store.read(Log(conversation=conversation, after=seq - 1, before=seq + 1))
        if not found:
            raise NotFound(f"there is no event {seq} in conversation {conversation!r}")
        event = found[0]
        if not isinstance(event.body, Said) or event.author != author(agent) or event.body.revises:
            raise Refusal("this is no message of yours")
        if event.body.ref:
            raise Refusal("this message was written on the platform: change it there")
        message, after = event.body.message, seq
        while events := await self._store.read(Log(conversation=conversation, after=after, public=True)):
            for each in events:
                if isinstance(each.body, Said) and each.body.revises == seq:
                    message = each.body.message
            after = events[-1].seq
        return message

    def changes(self, address: Address) -> frozenset[Literal["edit", "delete"]]:
        """What may be done there to a message that was sent. Without `edit` a correction is said."""
        can = self._can_at(address)
        return _CHANGES if can is None else frozenset(each for each in _CHANGES if each in can.can)

    def _public(self, now: Conversation, agent: Agent, said: Said) -> Entry:
        return Entry(author(agent), said, now.control.epoch, public=True, deliver=self._is_sent(now))

    async def note(self, conversation: ConversationId, agent: Agent, text: str, *, key: str = "") -> Amended:
        """Tell colleagues something, in any state. Raises `Refusal` when nothing is left of the text."""
        words = _clean(text)

        def decide(found: Found) -> Amend:
            noted = Entry(author(agent), Noted(words), found.conversation.control.epoch)
            return self._amend(found, Change(None, (noted,)))

        return await self._do(conversation, _key(agent, "note", key), decide)

    async def hand_back(
        self,
        conversation: ConversationId,
        agent: Agent,
        epoch: int,
        *,
        how: How = "resume",
        instruction: str = "",
        verdict: Verdict = "",
        step: str = "",
        key: str = "",
    ) -> Amended:
        """`verdict`: on the action that waits for approval, if one does; it then goes on as with `resume`.

        `step`: where the flow goes on, with `how` as `step`. Raises `Refusal` for one that no flow in progress has.
        """
        how = "resume" if verdict else how
        words = clean(instruction)
        if step and how != "step":
            raise Refusal(f"a hand back as {how!r} takes no step")
        before = await self._store.read(Find(conversation)) if how == "step" else None
        steps = await self._steps_of(before.conversation.address, before.state) if before else ()

        def decide(found: Found) -> Amend:
            now, notices = found.conversation, self._notices_at(found.conversation.address)
            at, deliver = self._clock.now(), self._is_sent(now)
            change = hand_back(
                now, agent, how, words, verdict=verdict, step=step, at=at, notices=notices, deliver=deliver
            )
            unit = self._amend(found, change, epoch=epoch)
            if unit.entries and how == "step" and step not in steps:
                raise Refusal(f"no flow in progress has a step {step!r}")
            return unit

        return await self._do(conversation, _key(agent, "hand-back", key), decide)

    async def resolve(
        self, conversation: ConversationId, agent: Agent, epoch: int, *, reason: str = "", key: str = ""
    ) -> Amended:
        def decide(found: Found) -> Amend:
            now = found.conversation
            at, deliver = self._clock.now(), self._is_sent(now)
            notices = self._notices_at(now.address)
            change = resolve(now, agent, clean(reason), at=at, notices=notices, deliver=deliver)
            return self._amend(found, change, epoch=epoch, status="resolved", reset=_folded(found.state, change, at))

        return await self._do(conversation, _key(agent, "resolve", key), decide)

    async def signal(
        self, conversation: ConversationId, name: str, value: Json = None, *, ref: str = "", by: Author = SYSTEM
    ) -> Amended:
        """Tell the flows that something happened outside: a `wait` for the event of this name goes on.

        A repeat under the same `ref` is one event, whoever tells it. Whatever no flow waits for changes nothing; what
        comes while a human has the floor is told to the flows when the bot has it again.
        """
        name, ref = clean(name), clean(ref)
        signalled = Signalled(name, clean_json(value), ref)

        def decide(found: Found) -> Amend:
            return self._amend(found, Change(None, (Entry(by, signalled, found.conversation.control.epoch),)))

        return await self._do(conversation, f"event:{ref}" if ref else "", decide)

    def _taken_over(self, now: Conversation, agent: Agent) -> Change:
        notices = self._notices_at(now.address)
        return take_over(now, agent, at=self._clock.now(), notices=notices, deliver=self._is_sent(now))

    def _is_sent(self, now: Conversation) -> bool:
        return now.address.channel in self._delivers

    def _amend(
        self,
        found: Found,
        change: Change,
        *,
        epoch: int | None = None,
        seen: int | None = None,
        by: AgentId | None = None,
        status: Status | None = None,
        reset: State | None = None,
    ) -> Amend:
        was = found.conversation.control
        _refuse_unless(not change.entries or epoch in (None, was.epoch), was)
        entries = change.entries
        if change.control and (shown := self._drafted(found.conversation.id)):  # it stood there before control moved
            entries = (Entry(BOT, Partial(shown), was.epoch, public=True), *entries)
        return Amend(
            conversation=found.conversation.id,
            entries=entries,
            at=self._clock.now(),
            epoch=epoch,
            seen=seen,
            by=by,
            control=change.control,
            status=status if status != found.conversation.status else None,
            reset=reset,
            version=found.conversation.version if reset else None,
        )

    async def _do(self, conversation: ConversationId, key: str, decide: Callable[[Found], Amend]) -> Amended:
        found = await self._store.read(Find(conversation))
        if found is None:
            raise NotFound(f"there is no conversation {conversation!r}")
        try:
            unit = decide(found)
        except ControlMoved:
            if first := await self._first_time(conversation, key):
                return first
            raise
        if not unit.entries:
            return await self._first_time(conversation, key) or Amended((), found.conversation, again=True)
        match await self._store.write(msgspec.structs.replace(unit, key=key)):
            case Amended() as done:
                self._tell(unit, done)
                return done
            case Stale(now) if now.control == found.conversation.control:  # a turn has moved the state meanwhile
                return await self._do(conversation, key, decide)
            case Stale(now):
                raise ControlMoved(now.control)
            case Behind(events):
                raise NewerEvents(events)
            case Missing():
                raise NotFound(f"there is no conversation {conversation!r}")
            case never:
                assert_never(never)

    async def _first_time(self, conversation: ConversationId, key: str) -> Amended | None:
        """What the call with this key did, if there was one: its repeat is no refusal, whatever happened since."""
        if not key:
            return None
        nothing = Amend(conversation=conversation, entries=(), at=self._clock.now(), epoch=_NEVER, key=key)
        result = await self._store.write(nothing)
        return result if isinstance(result, Amended) else None

    def _tell(self, unit: Amend, done: Amended) -> None:
        if done.again:
            return
        now = done.conversation
        self._bus.publish(Happened(now.id, done.events))
        has_floor = unit.control is not None and unit.control.state == "bot"
        if now.input_seq > now.heard and (has_floor or any(map(is_input, done.events))):
            self._wake(now.id)


def _key(agent: Agent, call: str, key: str) -> str:
    """Keys are made by browsers: one agent's can never answer for another's, nor one call's for another."""
    return f"{agent.id}:{call}:{key}" if key else ""


def _message(text: str) -> Message:
    spans = markup.parse(_clean(text))
    if not spans:
        raise Refusal("there is nothing to say in this text")
    return Message((Text(spans),))


def _with_files(text: str, files: tuple[Media, ...]) -> Message:
    """Plain words to one file are its caption; others stand before them."""
    if not clean(text).strip():
        return Message(files)
    parts = _message(text).parts
    match parts, files:
        case (Text(spans=(Span(text=words, marks=(), link=""),)),), (file,):
            return Message((replace(file, caption=words),))
        case _:
            return Message((*parts, *files))


def _clean(text: str) -> str:
    cleaned = clean(text).strip()
    if not cleaned:
        raise Refusal("there is nothing to say in this text")
    return cleaned


def _folded(state: State, change: Change, at: datetime) -> State:
    for entry in change.entries:
        state = fold_event(state, Event(0, at, entry.author, entry.body, entry.epoch))
    return state
