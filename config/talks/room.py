"""The real core around one conversation: store in memory, settable clock, scripted model, no doors and no network.

Nothing sweeps and nothing retries here: a turn that fails is what the test must tell of.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import structs

from bot.bus.memory import MemoryBus
from bot.commands import slash
from bot.desk import Desk
from bot.engine import Engine, EngineSettings
from bot.errors import ActionFailed, ModelDown, NotFound
from bot.flow.actions import Action
from bot.flow.book import Book, Slot
from bot.flow.say import notice
from bot.flow.slots import Hearing
from bot.inbox import Inbox
from bot.knowledge import index
from bot.knowledge.search import Search
from bot.llm.extractive import ExtractiveModel
from bot.llm.scripted import Item, ScriptedModel
from bot.model import (
    Address,
    AgentId,
    Conversation,
    Event,
    Facts,
    Frame,
    Incoming,
    Json,
    Message,
    Offer,
    Passage,
    Pressed,
    Resume,
    State,
    Turn,
)
from bot.people import Codes
from bot.ports import Answer, Arrival, Ask, Cited, LanguageModel, Store, Unit, Wanted
from bot.powers import Lengthened, TurnPowers
from bot.shelf import Edition, Shelf
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock, settle
from bot.turn import Director, Overtaken, Played
from bot.units import Agent, Commit, Find, Found, Log, NewHandoff, NextAlarm, Ring
from config.settings import DeskFile
from config.talks.talk import Cites, Fails, Given, ModelAnswer
from config.wiring import facts_of, free_form_of, responders_of

STUCK = 10.0
"""Seconds of real time: a turn that has not ended by then never will."""
BEGIN = "begin"
"""Token of the option that puts the conversation into the flow that a test begins in."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all tests of a project stand on."""

    book: Book
    file: DeskFile
    knowledge: Search


async def ground(book: Book, flows: Path) -> Ground:
    store = open_store("sqlite://", SettableClock())
    await index.index(flows / "knowledge", store, SettableClock(), language=book.assistant.language)
    return Ground(book, DeskFile(flows=flows, slash=True, quiet_ms=0), Search(store, book.assistant.languages))


@dataclass(frozen=True, slots=True)
class Call:
    """One run of an action."""

    action: str
    args: Mapping[str, Json]
    gave: Json = None
    error: str = ""


@dataclass(slots=True)
class Stretch:
    """What happened between two expectations."""

    before: State
    state: State
    conversation: Conversation | None
    events: list[Event] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    cited: list[Passage] = field(default_factory=list)
    handoffs: list[NewHandoff] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """What must not happen in any test: a turn that raised, a wish that nobody could fulfil."""


class Room:
    def __init__(self, on: Ground, given: Given) -> None:
        self.ground, self.given = on, given
        self.clock = SettableClock(given.now or START)
        self.random = SeededRandom(1)
        self.model = _Model()
        self.model.answers.extend(given.model)
        self.store = _Watched(open_store("sqlite://", self.clock))
        self.address = Address(given.channel, "test", "customer")
        self.language = given.language or on.book.assistant.language
        self.stubs = {name: deque(answers) for name, answers in given.actions.items()}
        self.calls: list[Call] = []
        self.trouble: list[str] = []
        self.initial = _initial(on.book, given)
        self._seen, self._keys = 0, 0
        self._before = self.initial
        self.start()

    def start(self) -> None:
        """A process on the store: the first, or the one after a kill."""
        book = replace(self.ground.book, actions={name: self._watched(each) for name, each in self._actions()})

        def notices(key: str, language: str, args: Mapping[str, str], /) -> Message:
            return notice(book, key, language, args)

        bus = MemoryBus()

        codes = Codes(self.store, self.clock, self.random)

        def edited(book: Book) -> Edition:
            free_form = free_form_of(
                self.ground.file,
                book,
                self.model,
                knowledge=self.ground.knowledge,
                clock=self.clock,
                facts_of=self._facts,
            )
            responders = responders_of(book, free_form, slash=True, facts_of=self._facts, codes=codes)
            return Edition(book, responders, self._facts, leader=free_form)

        shelf = Shelf(book, edited, store=self.store, clock=self.clock)
        self.director = _Director(shelf=shelf, store=self.store, bus=bus, clock=self.clock, random=self.random)
        self.engine = Engine(
            director=self.director,
            store=self.store,
            bus=bus,
            clock=self.clock,
            random=self.random,
            notices_at=lambda address: notices,
            delivers=frozenset(),
            settings=EngineSettings(worker="test", quiet=timedelta(0)),
        )
        self.inbox = Inbox(
            store=self.store,
            bus=bus,
            clock=self.clock,
            random=self.random,
            engine=self.engine,
            initial=self.initial,
        )
        self.desk = Desk(
            self.store,
            bus,
            self.clock,
            lambda address: notices,
            delivers=frozenset(),
            wake=self.engine.wake,
            steps_of=lambda address, state: shelf.steps_of(state),
        )

    async def begin(self) -> None:
        """Into the flow that the test begins in, if it does."""
        if self.given.flow:
            await self.hear(Pressed(BEGIN, self.given.flow))

    # What happens to it

    async def hear(self, *bodies: Incoming, language: str = "") -> None:
        self._keys += 1
        arrival = Arrival(
            account=self.address.account,
            key=str(self._keys),
            raw=b"",
            to=self.address,
            by="customer",
            at=self.clock.now(),
            bodies=bodies,
            language=language or self.language,
        )
        await self.inbox(arrival)
        await self.settle()

    async def signal(self, name: str, value: Json) -> None:
        """Something happens outside. Raises `NotFound` when nobody has said anything yet."""
        now = await self.now()
        await self.desk.signal(now.id, name, value)
        await self.settle()

    async def advance(self, span: timedelta) -> None:
        """Time passes; each timer that is due meanwhile rings at its time."""
        end = self.clock.now() + span
        while (due := await self.store.read(NextAlarm())) is not None and due <= end:
            await self.clock.advance((due - self.clock.now()).total_seconds())
            rung = await self.store.write(Ring(at=self.clock.now(), most=1, lease=self.engine.room()))
            for claimed in (each.claimed for each in rung if each.claimed):
                self.engine.take(claimed)
            if not rung:
                break
            await self.settle()
        await self.clock.advance((end - self.clock.now()).total_seconds())
        await self.settle()

    async def settle(self) -> None:
        """Until every turn that is due has been taken."""
        await settle(10)
        began, rounds = time.monotonic(), 0
        while self.engine.turns:
            rounds += 1
            await asyncio.sleep(0 if rounds < 500 else 0.001)
            if time.monotonic() - began > STUCK:
                calls = ", ".join(call.action for call in self.calls[-3:]) or "none"
                self.trouble.append(f"the turn does not end; actions that ended before: {calls}")
                return
        self.trouble += self.director.failures + self.model.failures
        self.director.failures, self.model.failures = [], []

    # What there is

    async def now(self) -> Conversation:
        """Raises `NotFound` when nobody has said anything yet."""
        found = await self._found()
        if found is None:
            raise NotFound("there is no conversation yet: the customer has said nothing")
        return found.conversation

    async def log(self) -> Sequence[Event]:
        found = await self._found()
        return await self.store.read(Log(conversation=found.conversation.id, most=10_000)) if found else ()

    async def stretch(self) -> Stretch:
        """Everything since the last one."""
        found = await self._found()
        state = found.state if found else self.initial
        stretch = Stretch(self._before, state, found.conversation if found else None)
        if found:
            log = Log(conversation=found.conversation.id, after=self._seen, most=10_000)
            stretch.events = list(await self.store.read(log))
            self._seen = found.conversation.last_seq
        self._before = state
        stretch.calls, self.calls = self.calls, []
        stretch.cited, self.model.cited = self.model.cited, []
        stretch.handoffs, self.store.handoffs = self.store.handoffs, []
        stretch.trouble, self.trouble = self.trouble, []
        return stretch

    @property
    def book(self) -> Book:
        return self.ground.book

    # Inside

    async def _found(self) -> Found | None:
        return await self.store.read(Find(address=self.address))

    def _facts(self, turn: Turn) -> Facts:
        facts = facts_of(turn, self.book.assistant.hours)
        known = facts["customer"]
        return {**facts, "customer": {**(known if isinstance(known, dict) else {}), **self.given.customer}}

    def _actions(self) -> Iterator[tuple[str, Action]]:
        return iter(self.ground.book.actions.items())

    def _watched(self, action: Action) -> Action:
        """The project's own, or its stub: each call is remembered."""
        stub = self.stubs.get(action.name)

        async def call(args: Mapping[str, Json], key: str) -> Json:
            try:
                if stub is None:
                    gave = await action.call(args, key)
                else:
                    answer = stub.popleft() if len(stub) > 1 else stub[0]
                    if isinstance(answer, Fails):
                        raise ActionFailed(answer.why)
                    gave = answer
            except ActionFailed as failed:
                self.calls.append(Call(action.name, dict(args), error=str(failed) or "failed"))
                raise
            self.calls.append(Call(action.name, dict(args), gave))
            return gave

        return replace(action, call=call, check=action.check if stub is None else None)


def someone(name: str, at: datetime) -> Agent:
    return Agent(
        id=AgentId(name.lower()),
        email=f"{name.lower()}@desk.example",
        name=name,
        role="agent",
        password="",
        disabled=False,
        created_at=at,
    )


def _initial(book: Book, given: Given) -> State:
    """As it is given. A flow goes on from its step, or begins, when the option that means so is pressed."""
    declared = {slot.name: slot for flow in book.flows.values() for slot in flow.slots.values()}
    declared |= book.flows[given.flow].slots if given.flow else {}
    values: dict[str, dict[str, Json]] = {"conversation": {}, "customer": {}, "flow": {}, "turn": {}}
    for name, value in given.slots.items():
        slot = declared[name]
        values[slot.scope][name] = _typed(slot, value, given.language or book.assistant.language)
    state = State(slots=values["conversation"], customer=values["customer"])
    if not given.flow:
        return state
    flow, own = book.flows[given.flow], {**values["flow"], **values["turn"]}
    frame = Frame(1, flow.name, flow.version, given.step, slots=own, results=dict(given.results))
    begin = Offer(BEGIN, slash(Resume(flow.name)), flow.name, 0)
    return structs.replace(state, stack=(frame,), frames=1, offers=(begin,))


def _typed(slot: Slot, value: Json, language: str) -> Json:
    """In the normal form of its type; as it is written where that is not known yet, as with answers of an action."""
    if not isinstance(value, str):
        return value
    read = slot.type.parse(value, Hearing(language=language, options=slot.options(language), strict=True))
    return value if read is None else read


class _Director(Director):
    """Keeps what a turn raised: the engine would try again later."""

    failures: list[str]

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.failures = []

    async def play(self, turn: Turn, powers: TurnPowers) -> Played:
        try:
            return await super().play(turn, powers)
        except (Lengthened, Overtaken):
            raise
        except Exception as error:
            self.failures.append(f"the turn raised {type(error).__name__}: {error}")
            raise


class _Watched:
    """A store that remembers the requests for a human."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.handoffs: list[NewHandoff] = []
        self.read, self.close = store.read, store.close

    def write(self, unit: Unit[Any], /) -> Any:
        if isinstance(unit, Commit) and unit.handoff:
            self.handoffs.append(unit.handoff)
        return self._store.write(unit)


class _Model(LanguageModel):
    """Says what the test says, and quotes the documents where it says nothing: what a project without a key does."""

    name = "scripted"

    def __init__(self) -> None:
        self.answers: deque[ModelAnswer] = deque()
        self.cited: list[Passage] = []
        self.failures: list[str] = []

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        model: LanguageModel = ExtractiveModel()
        if self.answers:
            items = [self._item(item, ask) for item in self.answers.popleft().items]
            model = ScriptedModel().then(*(item for item in items if item is not None))
        async for item in model.answer(ask):
            if isinstance(item, Cited):
                self.cited.append(item.passage)
            yield item

    def _item(self, item: Any, ask: Ask) -> Item | None:
        match item:
            case str():
                return item
            case Fails(why):
                return ModelDown(why)
            case Cites(document):
                found = next((passage for passage in ask.passages if passage.document == document), None)
                if found is None:
                    names = sorted({passage.document for passage in ask.passages}) or "none"
                    self.failures.append(f"the model cannot cite {document!r}: documents found for it: {names}")
                return Cited(found) if found else None
            case _:
                return Wanted(item)


# What the project's own actions may reach


@contextmanager
def sealed() -> Iterator[None]:
    """The project's code finds a data folder of its own and no network."""
    _seal()
    kept = os.environ.get("FRONTDESK_DATA")
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-") as folder:
        os.environ["FRONTDESK_DATA"] = folder
        token = _sealed.set(True)
        try:
            yield
        finally:
            _sealed.reset(token)
            if kept is None:
                del os.environ["FRONTDESK_DATA"]
            else:
                os.environ["FRONTDESK_DATA"] = kept


_sealed: ContextVar[bool] = ContextVar("sealed", default=False)


@cache
def _seal() -> None:
    """Once: a hook cannot be taken back."""
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and _sealed.get():
        raise PermissionError(
            f"a conversation test reaches no network ({event}): stub the action under 'given: actions'"
        )
