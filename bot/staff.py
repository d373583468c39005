"""A chat of the team serves as console: a thread for each conversation that wants a human.

What the customer and the bot say is mirrored into the thread. A line that a colleague writes there is a note; only one
that begins with `!` goes to the customer. Buttons take over, hand back and resolve. All of it goes through the desk, so
whoever uses the console sees the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec import Struct

from bot.desk import Desk
from bot.errors import ControlMoved, NewerEvents, NotSent, Refusal, SettingsError, StoreDown, TryLater, Unshowable
from bot.fit import fit, plain, words
from bot.model import (
    Address,
    AgentId,
    Choices,
    Control,
    Controlled,
    Conversation,
    ConversationId,
    Discarded,
    Echoed,
    Edited,
    Event,
    Incoming,
    Message,
    Noted,
    Opened,
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

_NOBODY = AgentId("")

Deed = Literal["take_over", "hand_back", "resolve"]
_LABELS: dict[Deed, str] = {"take_over": "Take over", "hand_back": "Hand back", "resolve": "Resolve"}


class StaffSettings(Struct, frozen=True, kw_only=True):
    chat: str
    """The platform's id of the chat, in which threads can be opened."""
    people: Mapping[str, str]
    """By the platform's id of a person: the e-mail address of their console account."""
    alerts_only: bool = False
    """Tell that a human is wanted, and nothing of what is said; nothing can be done from there."""


class _Thread(Struct, frozen=True, omit_defaults=True):
    """What is remembered of one conversation's thread."""

    id: str
    told: int
    """Seq of the last event that was mirrored."""
    ours: tuple[int, ...] = ()
    """Events that were written in this thread: they stand there already."""
    deeds: dict[str, tuple[Deed, int]] = {}
    """By the button's token: what it does, and under which epoch."""


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
    ) -> None:
        """Raises `SettingsError` for a channel without threads or buttons."""
        self._home = Address(channel.name, channel.account, settings.chat)
        self._can = channel.capabilities(self._home)
        if not isinstance(channel, Sending) or not isinstance(channel, Threads) or self._can.buttons is None:
            raise SettingsError(f"channel {channel.name!r} has no threads with buttons: it cannot hold a staff room")
        self.name, self.account = channel.name, channel.account
        self._channel, self._sender, self._threads = channel, channel, channel
        self._settings, self._store, self._bus, self._desk = settings, store, bus, desk
        self._clock, self._random, self._vault = clock, random, vault
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
            if thread is None:
                return
            if agent is None:
                answer = (
                    f"Nothing was done: I do not know who you are. Whoever runs this desk adds {arrival.by!r} with the"
                    " e-mail address of your account to the people of this staff room."
                )
            else:
                for number, body in enumerate(arrival.bodies):
                    try:
                        done = await self._do(conversation, thread, agent, body, f"staff:{arrival.key}:{number}")
                    except (Refusal, NotSent) as refused:
                        answer = _why(refused)
                    else:
                        thread = await self._wrote(conversation, thread, done)
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
            case Edited(message) if said := written(message).strip():
                return await self._desk.note(conversation, agent, f"Corrected: {said}", key=key)
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
                raise Refusal("this button is of an earlier state: use the ones below")
            case _:
                return None

    async def _wrote(self, conversation: ConversationId, thread: _Thread, done: Amended | None) -> _Thread:
        """Words that stand in the thread already are not mirrored into it."""
        events = done.events if done else ()
        ours = tuple(event.seq for event in events if event.author.kind == "agent" and _is_words(event))
        if not ours:
            return thread
        thread = msgspec.structs.replace(thread, ours=(*thread.ours, *ours))
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
                            await self._tell(conversation)
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
        title = f"{row.customer if row and row.customer else 'A customer'} on {now.address.channel}"
        to = await self._threads.open_thread(self._home, title[:90], key=f"staff.{now.id}")
        thread = _Thread(to.thread, max(0, now.last_seq - _BEFORE))
        await self._vault.put(f"thread/{to.thread}", now.id.encode())
        await self._keep(now.id, thread)
        if self._settings.alerts_only:
            return thread
        hint = f"Lines here are notes. `{SEND}` at the beginning sends one to the customer."
        lines = (row.reason if row else "", row.note if row else "", hint)
        await self._send(to, text("\n".join(filter(None, lines))), key=f"staff.{now.id}.0")
        return thread

    async def _said(self, now: Conversation, thread: _Thread, event: Event, message: Message) -> _Thread:
        to = msgspec.structs.replace(self._home, thread=thread.id)
        if isinstance(event.body, Controlled) and not self._settings.alerts_only:
            deeds = {self._random.token(): (deed, event.body.control.epoch) for deed in _deeds(event.body.control)}
            thread = msgspec.structs.replace(thread, deeds=deeds)
            await self._keep(now.id, thread)  # a button that is seen must be known
            options = tuple(Option(_LABELS[deed], "", token) for token, (deed, _) in deeds.items())
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
        line = _line(event)
        if not line or (self._settings.alerts_only and not isinstance(event.body, Controlled | Settled)):
            return None
        who, said = line
        return Message((Text((Span(f"{who}: ", ("bold",)), *said) if who else tuple(said)),))

    # What is remembered

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


def _line(event: Event) -> tuple[str, tuple[Span, ...]] | None:
    """Who, and what; None: nothing that colleagues need to read."""
    who = event.author.name or {"customer": "Customer", "bot": "Bot", "agent": "Agent", "system": ""}[event.author.kind]
    match event.body:
        case Said(message) if event.author.kind == "system":
            return None if not event.public else ("", (Span(words(message), ("italic",)),))
        case Said(message) | Echoed(message):
            return who, _spans(message)
        case Edited(message):
            return f"{who} (edited)", _spans(message)
        case Pressed(_, label) if label:
            return who, (Span(f"[{label}]"),)
        case Submitted(_, values):
            return who, (Span(", ".join(f"{name}: {value}" for name, value in values.items())),)
        case Opened():
            return None
        case Noted(note):
            return f"{who} notes", (Span(note),)
        case Partial(shown):
            return f"{who} (was cut off)", (Span(shown),)
        case Discarded(messages):
            return "Not said by the bot any more", (Span("\n".join(map(words, messages))),)
        case Returned(_, by, instruction) if instruction:
            return f"{by} to the bot", (Span(instruction),)
        case Controlled(control, _, by, why):
            state = {"bot": "the bot has it", "human": f"{control.holder_name} has it"}.get(control.state, "waits")
            return "", (Span(f"— {state} ({why}{f', {by.name}' if by.name else ''})", ("italic",)),)
        case Settled(status, reason):
            return "", (Span(f"— {status}{f': {reason}' if reason else ''}", ("italic",)),)
        case _:
            return None


def _spans(message: Message) -> tuple[Span, ...]:
    if len(message.parts) == 1 and isinstance(part := message.parts[0], Text):
        return part.spans
    return (Span("\n".join(filter(None, map(plain, message.parts)))),)


def _why(refused: Exception) -> str:
    match refused:
        case NewerEvents(events=events):
            said = " / ".join(words(event.body.message) for event in events if isinstance(event.body, Said))
            return f"Not sent: there is something newer ({said}). Read it and send again."
        case ControlMoved(control=control):
            holder = control.holder_name or {"bot": "the bot", "queued": "nobody yet"}.get(control.state, "somebody")
            return f"Not done: things have changed, and {holder} has this conversation. Use the buttons below."
        case _:
            return f"Not done: {refused}"
