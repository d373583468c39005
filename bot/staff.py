"""A chat of the team serves as console: a thread for each conversation that wants a human.

What the customer and the bot say is mirrored into the thread. A line that a colleague writes there is a note; only one
that begins with `!` goes to the customer; who edits or deletes it there does so for the customer, too. Buttons take
over, hand back and resolve; closing the thread resolves as well. All of it goes through the desk, so whoever uses the
console sees the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec import Struct

from bot.desk import Desk
from bot.errors import (
    ControlMoved,
    Forbidden,
    NewerEvents,
    NotSent,
    Refusal,
    SettingsError,
    StoreDown,
    TryLater,
    Unshowable,
)
from bot.fit import fit, plain, words
from bot.model import (
    Address,
    AgentId,
    Body,
    Choices,
    Closed,
    Control,
    Controlled,
    Conversation,
    ConversationId,
    Deleted,
    Discarded,
    Echoed,
    Edited,
    Event,
    Incoming,
    Message,
    Noted,
    Option,
    Partial,
    Pressed,
    Returned,
    Said,
    Settled,
    Span,
    Submitted,
    Text,
    text,
    written,
)
from bot.ports import (
    ASGI,
    Accepted,
    Arrival,
    Bus,
    Capabilities,
    Channel,
    Clock,
    Happened,
    News,
    Random,
    Receive,
    Routes,
    Sending,
    Store,
    Threads,
    Vault,
)
from bot.units import Agent, Amended, FindAgent, Found, Log, Queue, QueueRow
from bot.units import Find as FindConversation

log = structlog.get_logger()

SEND = "!"
"""A line that begins so goes to the customer."""
WANTED = ("queued", "offered", "human", "wrap_up")
"""States of control in which a conversation gets a thread."""
_BEFORE = 12
"""So many events from before the request are told in a new thread."""
_AGAIN = 5.0
"""Seconds until what could not be told is tried again."""
_MOST_SWEPT = 200
_MOST_LINES = 50
"""Lines of the team that are remembered in each thread."""

_NOBODY = AgentId("")

Deed = Literal["take_over", "hand_back", "resolve"]


class StaffSettings(Struct, frozen=True, kw_only=True):
    chat: str
    """The platform's id of the chat, in which threads can be opened."""
    people: Mapping[str, str]
    """By the platform's id of a person: the e-mail address of their console account."""
    alerts_only: bool = False
    """Tell that a human is wanted, and nothing of what is said; nothing can be done from there."""


class Say(Protocol):
    def __call__(self, key: str, /, **args: str) -> str:
        """A text of the table, in the room's language."""


class _Thread(Struct, frozen=True, omit_defaults=True):
    """What is remembered of one conversation's thread."""

    id: str
    told: int
    """Seq of the last event that was mirrored."""
    ours: tuple[int, ...] = ()
    """Events that were written in this thread: they stand there already."""
    deeds: dict[str, tuple[Deed, int]] = {}
    """By the button's token: what it does, and under which epoch."""
    lines: dict[str, int] = {}
    """What the team's last lines became, by the platform's id of each: seq of the event."""


class _Answered(Exception):
    """Nothing was done, and the room is told why."""


class StaffRoom:
    """Implements `Channel` around the account's own channel, which the room shares with its customers, if it has any.

    What is heard in the chat of the team never becomes a conversation. It is acknowledged when the desk has committed
    what came of it; the platform's id of the event is the desk's key, so a repeat changes nothing.
    """

    def __init__(
        self,
        channel: Channel,
        settings: StaffSettings,
        *,
        store: Store,
        bus: Bus,
        desk: Desk,
        clock: Clock,
        random: Random,
        vault: Vault,
        say: Say,
    ) -> None:
        """Raises `SettingsError` for a channel without threads or buttons."""
        self._home = Address(channel.name, channel.account, settings.chat)
        self._can = channel.capabilities(self._home)
        if not isinstance(channel, Sending) or not isinstance(channel, Threads) or self._can.buttons is None:
            raise SettingsError(f"channel {channel.name!r} has no threads with buttons: it cannot hold a staff room")
        self.name, self.account = channel.name, channel.account
        self._channel, self._sender, self._threads = channel, channel, channel
        self._settings, self._store, self._bus, self._desk = settings, store, bus, desk
        self._clock, self._random, self._vault, self._say = clock, random, vault, say
        self._changed: dict[ConversationId, None] = {}
        self._woken = asyncio.Event()
        self._locks: WeakValueDictionary[ConversationId, asyncio.Lock] = WeakValueDictionary()
        """Each lives as long as somebody holds it or waits for it."""

    def capabilities(self, to: Address) -> Capabilities:
        return self._channel.capabilities(to)

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        return self._channel.routes(self._around(receive)) if isinstance(self._channel, Routes) else {}

    async def run(self, receive: Receive) -> None:
        tasks = [asyncio.create_task(self._channel.run(self._around(receive))), asyncio.create_task(self._follow())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    def _around(self, receive: Receive) -> _Split:
        return _Split(receive, self)

    # What the team does

    def is_ours(self, arrival: Arrival) -> bool:
        return self._home.chat in _names(arrival.to.chat)

    async def heard(self, arrival: Arrival) -> None:
        """Returns after the commit of what came of it. Raises `StoreDown`: then nothing may be acknowledged."""
        said = [body for body in arrival.bodies if not isinstance(body, Noted)]
        if not arrival.to.thread or not said or self._settings.alerts_only:
            return
        known = await self._vault.get(f"thread/{arrival.to.thread}")
        if known is None:
            return
        conversation = ConversationId(known.decode())
        answer = ""
        async with self._lock(conversation):
            thread = await self._thread(conversation)
            agent = await self._agent(arrival.by)
            if thread is None or thread.id != arrival.to.thread:
                answer = self._say("staff_elsewhere")
            elif agent is None:
                answer = self._say("staff_stranger", id=arrival.by)
            else:
                for number, body in enumerate(arrival.bodies):
                    try:
                        done = await self._do(conversation, thread, agent, body, f"staff:{arrival.key}:{number}")
                    except (Refusal, NotSent, _Answered) as refused:
                        answer = self._why(refused)
                    else:
                        thread = await self._wrote(conversation, thread, body, done)
        self._change(conversation)
        if answer:
            await self._answer(arrival, answer)

    async def _do(
        self, conversation: ConversationId, thread: _Thread, agent: Agent, body: Incoming, key: str
    ) -> Amended | None:
        match body:
            case Said(message) if said := written(message).strip():
                if not said.startswith(SEND):
                    return await self._desk.note(conversation, agent, said, key=key)
                found = await self._found(conversation)
                return await self._desk.reply(
                    conversation,
                    agent,
                    said.removeprefix(SEND),
                    seen=max(thread.told, *thread.ours, 0),
                    epoch=found.conversation.control.epoch,
                    key=key,
                    claim=True,
                )
            case Edited(message, ref) if said := written(message).strip():
                was = await self._line(conversation, thread, ref)
                if isinstance(was, Said):
                    words = said.removeprefix(SEND)
                    return await self._desk.revise(conversation, agent, thread.lines[ref], words, key=key)
                if said.startswith(SEND):
                    raise _Answered(self._say("staff_unsent", mark=SEND))
                return await self._desk.note(conversation, agent, self._say("staff_corrected", text=said), key=key)
            case Deleted(ref):
                return await self._take_back(conversation, thread, agent, ref, key)
            case Closed():
                found = await self._found(conversation)
                done = await self._desk.resolve(conversation, agent, found.conversation.control.epoch, key=key)
                await self._leave(conversation)
                return done
            case Pressed(token) if token in thread.deeds:
                deed, epoch = thread.deeds[token]
                match deed:
                    case "take_over":
                        return await self._desk.take_over(conversation, agent, epoch, key=key)
                    case "hand_back":
                        return await self._desk.hand_back(conversation, agent, epoch, key=key)
                    case "resolve":
                        return await self._desk.resolve(conversation, agent, epoch, key=key)
            case Pressed():
                raise _Answered(self._say("staff_old_button"))
            case _:
                return None

    async def _line(self, conversation: ConversationId, thread: _Thread, ref: str) -> Body | None:
        """What a line of the team became; None: it is not known any more."""
        if (seq := thread.lines.get(ref)) is None:
            return None
        events = await self._store.read(Log(conversation=conversation, after=seq - 1, before=seq + 1))
        return events[0].body if events else None

    async def _take_back(
        self, conversation: ConversationId, thread: _Thread, agent: Agent, ref: str, key: str
    ) -> Amended | None:
        match await self._line(conversation, thread, ref):
            case Said():
                try:
                    return await self._desk.withdraw(conversation, agent, thread.lines[ref], key=key)
                except Refusal:
                    raise _Answered(self._say("staff_stays")) from None
            case Noted(note):  # colleagues have read it: the log keeps it
                return await self._desk.note(conversation, agent, self._say("staff_struck", text=note), key=key)
            case _:
                return None

    async def _wrote(
        self, conversation: ConversationId, thread: _Thread, by: Incoming, done: Amended | None
    ) -> _Thread:
        """Words that stand in the thread already are not mirrored into it."""
        events = done.events if done else ()
        ours = tuple(event.seq for event in events if event.author.kind == "agent" and _is_words(event))
        if not ours or isinstance(by, Closed):
            return thread
        lines = thread.lines
        if isinstance(by, Said) and by.ref:
            lines = dict([*lines.items(), (by.ref, ours[-1])][-_MOST_LINES:])
        thread = msgspec.structs.replace(thread, ours=(*thread.ours, *ours), lines=lines)
        await self._keep(conversation, thread)
        return thread

    async def _agent(self, by: str) -> Agent | None:
        email = next((self._settings.people[name] for name in _names(by) if name in self._settings.people), None)
        agent = await self._store.read(FindAgent(email=email)) if email else None
        return None if agent is None or agent.disabled else agent

    async def _answer(self, arrival: Arrival, words: str) -> None:
        try:
            await self._sender.send(arrival.to, text(words), key=f"staff.{arrival.key}")
        except NotSent as error:
            log.warning("staff.not_told", account=self.account, why=error)

    # What the team is told

    async def _follow(self) -> None:
        unlisten = self._bus.listen(None, self._hear)
        try:
            await self._sweep()
            while True:
                await self._woken.wait()
                self._woken.clear()
                changed, self._changed = self._changed, {}
                for conversation in changed:
                    try:
                        async with self._lock(conversation):
                            await self._tell_somewhere(conversation)
                    except (NotSent, StoreDown) as error:
                        log.warning("staff.behind", account=self.account, conversation=conversation, why=error)
                        after = error.after if isinstance(error, TryLater) else None
                        await self._clock.sleep(after.total_seconds() if after else _AGAIN)
                        self._change(conversation)
        finally:
            unlisten()

    def _hear(self, news: News) -> None:
        if isinstance(news, Happened):
            self._change(news.conversation)

    def _change(self, conversation: ConversationId) -> None:
        self._changed[conversation] = None
        self._woken.set()

    async def _sweep(self) -> None:
        """What happened while nobody followed."""
        while True:
            try:
                for name in await self._vault.names("conversation/"):
                    self._change(ConversationId(name.partition("/")[2]))
                page = await self._store.read(Queue(view="unassigned", agent=_NOBODY, most=_MOST_SWEPT))
                for row in page.rows:
                    self._change(row.conversation.id)
                return
            except StoreDown as down:
                log.warning("staff.store_down", account=self.account, why=down)
                await self._clock.sleep(_AGAIN)

    async def _tell_somewhere(self, conversation: ConversationId) -> None:
        """A thread that is gone loses nothing: who still wants a human gets another."""
        try:
            await self._tell(conversation)
        except Forbidden as gone:
            if gone.scope != "address" or await self._thread(conversation) is None:
                raise
            log.warning("staff.thread_gone", account=self.account, conversation=conversation, why=gone)
            await self._leave(conversation)
            await self._tell(conversation)

    async def _tell(self, conversation: ConversationId) -> None:
        """Mirror what is new, in order; each event is remembered as told before the next one is."""
        found = await self._store.read(FindConversation(conversation))
        if found is None:
            return
        thread = await self._thread(conversation)
        now = found.conversation
        if thread is None:
            if now.control.state not in WANTED:
                return
            thread = await self._opened(now)
        elif now.last_seq <= thread.told:
            return
        events = await self._store.read(Log(conversation=conversation, after=thread.told, most=500))
        for event in events:
            if event.seq not in thread.ours and (message := self._mirrored(event)):
                thread = await self._said(now, thread, event, message)
            ours = tuple(seq for seq in thread.ours if seq > event.seq)
            thread = msgspec.structs.replace(thread, told=event.seq, ours=ours)
            await self._keep(conversation, thread)

    async def _opened(self, now: Conversation) -> _Thread:
        row = await self._row(now)
        customer = row.customer if row and row.customer else self._say("staff_customer")
        title = self._say("staff_title", customer=customer, channel=now.address.channel)
        to = await self._threads.open_thread(self._home, title[:90], key=f"staff.{now.id}")
        thread = _Thread(to.thread, max(0, now.last_seq - _BEFORE))
        await self._vault.put(f"thread/{to.thread}", now.id.encode())
        await self._keep(now.id, thread)
        if self._settings.alerts_only:
            return thread
        hint = self._say("staff_hint", mark=SEND)
        lines = (self._say(f"staff_{row.reason}") if row and row.reason else "", row.note if row else "", hint)
        await self._send(to, text("\n".join(filter(None, lines))), key=f"staff.{now.id}.0")
        return thread

    async def _said(self, now: Conversation, thread: _Thread, event: Event, message: Message) -> _Thread:
        to = msgspec.structs.replace(self._home, thread=thread.id)
        if isinstance(event.body, Controlled) and not self._settings.alerts_only:
            deeds = {self._random.token(): (deed, event.body.control.epoch) for deed in _deeds(event.body.control)}
            thread = msgspec.structs.replace(thread, deeds=deeds)
            await self._keep(now.id, thread)  # a button that is seen must be known
            options = tuple(Option(self._say(f"staff_{deed}"), "", token) for token, (deed, _) in deeds.items())
            if options:
                message = msgspec.structs.replace(message, parts=(*message.parts, Choices(options, look="buttons")))
        await self._send(to, message, key=f"staff.{now.id}.{event.seq}")
        return thread

    async def _send(self, to: Address, message: Message, *, key: str) -> None:
        for number, piece in enumerate(fit(message, self._can).pieces):
            try:
                await self._sender.send(to, piece, key=f"{key}.{number}")
            except Unshowable as error:  # one line that cannot be shown must not hide those after it
                log.warning("staff.line_lost", account=self.account, why=error)

    def _mirrored(self, event: Event) -> Message | None:
        """None: not for this room."""
        line = self._told(event)
        if not line or (self._settings.alerts_only and not isinstance(event.body, Controlled | Settled)):
            return None
        who, said = line
        return Message((Text((Span(f"{who}: ", ("bold",)), *said) if who else tuple(said)),))

    def _told(self, event: Event) -> tuple[str, tuple[Span, ...]] | None:
        """Who, and what; None: nothing that colleagues need to read."""
        say, kind = self._say, event.author.kind
        who = event.author.name or ("" if kind == "system" else say(f"staff_{kind}"))
        match event.body:
            case Said(message) if kind == "system":
                return None if not event.public else ("", (Span(words(message), ("italic",)),))
            case Said(Message(parts=()), revises=seq) if seq:
                return "", (Span(f"— {say('staff_gone', who=who)}", ("italic",)),)
            case Deleted():
                return "", (Span(f"— {say('staff_gone', who=who)}", ("italic",)),)
            case Said(message, revises=seq) if seq:
                return say("staff_edited", who=who), _spans(message)
            case Said(message) | Echoed(message):
                return who, _spans(message)
            case Edited(message):
                return say("staff_edited", who=who), _spans(message)
            case Pressed(_, label) if label:
                return who, (Span(f"[{label}]"),)
            case Submitted(_, values):
                return who, (Span(", ".join(f"{name}: {value}" for name, value in values.items())),)
            case Noted(note):
                return say("staff_note", who=who), (Span(note),)
            case Partial(shown):
                return say("staff_cut_off", who=who), (Span(shown),)
            case Discarded(messages):
                return say("staff_discarded"), (Span("\n".join(map(words, messages))),)
            case Returned(_, by, instruction) if instruction:
                return say("staff_instruction", who=by), (Span(instruction),)
            case Controlled(control, _, by):
                done = f" ({by.name})" if by.name and by.name != control.holder_name else ""
                return "", (Span(f"— {self._state(control)}{done}", ("italic",)),)
            case Settled(status, reason):
                return "", (Span(f"— {say(f'staff_{status}')}{f': {reason}' if reason else ''}", ("italic",)),)
            case _:
                return None

    def _state(self, control: Control) -> str:
        match control.state:
            case "bot":
                return self._say("staff_with_bot")
            case "human" | "wrap_up":
                return self._say("staff_with", who=control.holder_name)
            case _:
                return self._say("staff_waits")

    def _why(self, refused: Exception) -> str:
        match refused:
            case _Answered():
                return str(refused)
            case NewerEvents(events=events):
                said = " / ".join(words(event.body.message) for event in events if isinstance(event.body, Said))
                return self._say("staff_newer", said=said)
            case ControlMoved(control=control):
                others = {"bot": "staff_the_bot", "queued": "staff_nobody"}
                holder = control.holder_name or self._say(others.get(control.state, "staff_somebody"))
                return self._say("staff_moved", who=holder)
            case _:
                return self._say("staff_refused", why=str(refused))

    # What is remembered

    async def _leave(self, conversation: ConversationId) -> None:
        """Its thread is over; what is written there all the same is answered."""
        await self._vault.put(f"conversation/{conversation}", None)

    def _lock(self, conversation: ConversationId) -> asyncio.Lock:
        return self._locks.setdefault(conversation, asyncio.Lock())

    async def _thread(self, conversation: ConversationId) -> _Thread | None:
        kept = await self._vault.get(f"conversation/{conversation}")
        return msgspec.json.decode(kept, type=_Thread) if kept else None

    async def _keep(self, conversation: ConversationId, thread: _Thread) -> None:
        await self._vault.put(f"conversation/{conversation}", msgspec.json.encode(thread))

    async def _found(self, conversation: ConversationId) -> Found:
        found = await self._store.read(FindConversation(conversation))
        if found is None:
            raise Refusal("this conversation is gone")
        return found

    async def _row(self, now: Conversation) -> QueueRow | None:
        page = await self._store.read(Queue(view="all", agent=_NOBODY, most=1, conversation=now.id))
        return page.rows[0] if page.rows else None


class _Split:
    """Implements `Receive`: what is heard in the chat of the team goes to the room, all else on its way."""

    def __init__(self, receive: Receive, room: StaffRoom) -> None:
        self._receive, self._room = receive, room

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        if not self._room.is_ours(arrival):
            return await self._receive(arrival)
        await self._room.heard(arrival)
        return Accepted(fresh=True, conversation=None, seq=None)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        customers = iter(await self._receive.many([each for each in arrivals if not self._room.is_ours(each)]))
        return [await self(each) if self._room.is_ours(each) else next(customers) for each in arrivals]


def _names(id: str) -> tuple[str, str]:
    """A platform's id, and what people call it by where it says its workspace before."""
    return id, id.rpartition("/")[2]


def _deeds(control: Control) -> Iterator[Deed]:
    if control.state in ("queued", "offered"):
        yield "take_over"
    if control.state in ("human", "wrap_up"):
        yield "hand_back"
    if control.state != "bot":
        yield "resolve"


def _is_words(event: Event) -> bool:
    return isinstance(event.body, Noted) or (isinstance(event.body, Said) and event.author.kind == "agent")


def _spans(message: Message) -> tuple[Span, ...]:
    """What is for the customer's eyes alone stays out of the room."""
    if message.only_for:
        return (Span(message.otherwise or "…"),)
    if len(message.parts) == 1 and isinstance(part := message.parts[0], Text):
        return part.spans
    return (Span("\n".join(filter(None, map(plain, message.parts)))),)
