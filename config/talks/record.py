"""Makes a conversation test of a real log: the same things are done, and what then happens is what is expected."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from structlog.testing import capture_logs

from bot.commands import slash
from bot.errors import NotFound
from bot.fit import plain
from bot.flow.book import Book
from bot.flow.read import read as read_flows
from bot.flow.source import Mark
from bot.model import (
    Acted,
    Applied,
    Chat,
    Choices,
    Command,
    Controlled,
    ConversationId,
    Did,
    Event,
    Filled,
    Json,
    Lookup,
    Message,
    Noted,
    Opened,
    Pressed,
    Returned,
    Said,
    Settled,
    Signalled,
    Sources,
    Text,
    Turned,
)
from bot.ports import Store
from bot.store import backup, open_store
from bot.units import Document, Documents, Find, Log
from config.machine import SystemClock
from config.settings import Settings, read_settings
from config.talks.expect import key_of, moves, outcomes
from config.talks.read import flow_folder
from config.talks.room import Room, Stretch, ground, sealed
from config.talks.run import do
from config.talks.spell import spell
from config.talks.stand_ins import StandIns
from config.talks.talk import (
    AgentDoes,
    Cites,
    Doing,
    Fails,
    Given,
    ModelAnswer,
    Opens,
    Passes,
    Presses,
    Restarts,
    Says,
    Signals,
)

PAGE = 500
_HERE = Mark("", 1, 1)


def written(conversation: str, path: Path | None) -> str:
    """The test as YAML. Raises `NotFound`, `SettingsError`, `StoreDown`, `FlowErrors`."""
    settings = read_settings()
    flows = flow_folder(path or settings.desk_file().flows)
    book = read_flows(flows)
    with capture_logs():
        return asyncio.run(_written(ConversationId(conversation), settings, book, flows))


async def _written(conversation: ConversationId, settings: Settings, book: Book, flows: Path) -> str:
    async with _opened(settings) as store:
        events = await _log(store, conversation)
        documents = await store.read(Documents())
    made = _Making(book, StandIns(book), {document.title: document for document in documents})
    given, doings = made.of(events)
    return await _played(f"conversation {conversation[-8:]}", given, doings, book, flows)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    """The configured database, or where that is a file a copy: a running program keeps the file to itself."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as folder:
        url = settings.database
        if settings.on_sqlite:
            copy = Path(folder) / "copy.db"
            backup(settings.sqlite_path(), copy)
            url = f"sqlite:///{copy}"
        store = await asyncio.to_thread(open_store, url, SystemClock())
        try:
            yield store
        finally:
            await store.close()


async def _log(store: Store, conversation: ConversationId) -> list[Event]:
    if await store.read(Find(conversation)) is None:
        raise NotFound(f"there is no conversation {conversation!r} in the configured database")
    events: list[Event] = []
    while True:
        page = await store.read(Log(conversation=conversation, after=events[-1].seq if events else 0, most=PAGE))
        events += page
        if len(page) < PAGE:
            return events


# What was given and done


@dataclass(slots=True)
class _Making:
    book: Book
    stand_ins: StandIns
    documents: dict[str, Document]
    """By title."""

    def of(self, events: Sequence[Event]) -> tuple[Given, list[Doing]]:
        self.stand_ins.learn(events)
        customers = [event for event in events if event.author.kind == "customer"]
        given = Given(
            actions=self._stubs(events),
            now=events[0].at.replace(microsecond=0) if events else None,
            language=self._language(events),
        )
        return given, list(self._doings(events)) if customers else []

    def _language(self, events: Sequence[Event]) -> str:
        said = [event.body.message.language for event in events if isinstance(event.body, Said) and event.public]
        spoken = next(filter(None, said), "")
        return "" if spoken == self.book.assistant.language else spoken

    def _stubs(self, events: Sequence[Event]) -> dict[str, tuple[Json | Fails, ...]]:
        """What each action gave, call by call."""
        stubs: dict[str, list[Json | Fails]] = {}
        acted = {event.body.key: event.body for event in events if isinstance(event.body, Acted)}
        for event in events:
            found = event.body.moves if isinstance(event.body, Turned) else ()
            for at, move in enumerate(found):
                if not isinstance(move, Did):
                    continue
                after = found[at + 1] if at + 1 < len(found) else None
                if not move.ok:
                    answer: Json | Fails = Fails("as in the log")
                elif isinstance(after, Filled) and after.result and after.frame == move.frame:
                    answer = self.stand_ins.value(after.value)
                else:
                    key = f":{move.action}:{move.frame}.{move.step}."
                    answer = next((self.stand_ins.value(a.result) for k, a in acted.items() if key in k), None)
                stubs.setdefault(move.action, []).append(answer)
        return {name: _short(answers) for name, answers in stubs.items()}

    def _doings(self, events: Sequence[Event]) -> Iterator[Doing]:
        turns = sorted({event.turn for event in events if isinstance(event.body, Turned) and event.turn is not None})
        now = events[0].at
        burst: list[str] = []
        for at, event in enumerate(events):
            turn = max((begun for begun in turns if begun < event.seq), default=-1)
            is_said = isinstance(event.body, Said) and event.author.kind == "customer"
            if (event.at - now).total_seconds() >= 60 and not isinstance(event.body, Turned) and not burst:
                yield Passes(_whole(event.at, now), _HERE)
                now = event.at
            if is_said:
                burst.append(self._line(event, events, turn))
                following = next((each for each in events[at + 1 :] if _is_input(each)), None)
                if following is None or not _same_turn(following, turn, turns):
                    yield Says(tuple(burst), "", self._model(events, turn), _HERE)
                    burst = []
                continue
            yield from self._doing(event)

    def _doing(self, event: Event) -> Iterator[Doing]:
        match event.body:
            case Pressed(_, label):
                yield Presses(self.stand_ins.text(label), _HERE)
            case Opened(payload):
                yield Opens(payload, _HERE)
            case Controlled(control, _, by) if control.state == "human" and by.kind == "agent":
                yield AgentDoes(act="takes_over", name="Mia", mark=_HERE)
            case Said(message, revises=0) if event.author.kind == "agent":
                said = self.stand_ins.text("\n".join(map(plain, message.parts)))
                yield AgentDoes(act="says", name="Mia", words=said, mark=_HERE)
            case Noted(words):
                yield AgentDoes(act="notes", name="Mia", words=self.stand_ins.text(words), mark=_HERE)
            case Signalled(name, value):
                yield Signals(name, self.stand_ins.value(value), _HERE)
            case Returned(verdict=verdict) if verdict:
                yield AgentDoes(act="approves" if verdict == "approve" else "refuses", name="Mia", mark=_HERE)
            case Returned(how, _, instruction):
                words = self.stand_ins.text(instruction)
                yield AgentDoes(act="hands_back", name="Mia", words=words, how=how, mark=_HERE)
            case Settled("resolved") if event.author.kind == "agent":
                yield AgentDoes(act="resolves", name="Mia", mark=_HERE)
            case _:
                pass

    def _line(self, event: Event, events: Sequence[Event], turn: int) -> str:
        assert isinstance(event.body, Said)
        words = "\n".join(plain(part) for part in event.body.message.parts if isinstance(part, Text))
        filled = [
            (move.slot, move.value)
            for each in events
            if each.turn == turn and isinstance(each.body, Turned)
            for move in each.body.moves
            if isinstance(move, Filled) and not move.result
        ]
        slots = {name: slot for flow in self.book.flows.values() for name, slot in flow.slots.items()}
        for name, value in filled:
            if value in self.stand_ins.texts:
                return self.stand_ins.answer(words, slots.get(name), value)
        return self.stand_ins.text(words)

    def _model(self, events: Sequence[Event], turn: int) -> tuple[ModelAnswer, ...]:
        """What a model said and wanted in that turn, where one answered."""
        own = [event for event in events if event.turn == turn]
        turned = next((event.body for event in own if isinstance(event.body, Turned)), None)
        if turned is None or turned.responder != "free_form":
            return ()
        wanted = [move.by for move in turned.moves if isinstance(move, Applied) and move.source == "model"]
        items: list[Any] = []
        said = next((e.body.message for e in own if isinstance(e.body, Said) and e.author.kind == "bot"), None)
        if said and any(isinstance(command, Lookup | Chat) for command in wanted):
            items += ("\n".join(plain(part) for part in said.parts if isinstance(part, Text)),)
            for part in said.parts:
                for source in part.sources if isinstance(part, Sources) else ():
                    if document := self.documents.get(source.title.partition(" › ")[0]):
                        items.append(Cites(document.name))
        items = [self.stand_ins.text(item) if isinstance(item, str) else item for item in items]
        items += (command for command in wanted if not isinstance(command, Lookup | Chat))
        return (ModelAnswer(tuple(items), _HERE),) if items else ()


def _is_input(event: Event) -> bool:
    return isinstance(event.body, Said | Pressed | Opened | Returned) and event.author.kind in ("customer", "agent")


def _same_turn(event: Event, turn: int, turns: Sequence[int]) -> bool:
    is_said = isinstance(event.body, Said) and event.author.kind == "customer"
    return is_said and max((begun for begun in turns if begun < event.seq), default=-1) == turn


def _whole(at: datetime, since: datetime) -> timedelta:
    return timedelta(seconds=int((at - since).total_seconds()))


def _short(answers: list[Json | Fails]) -> tuple[Json | Fails, ...]:
    """The last answer is that of all further calls."""
    while len(answers) > 1 and answers[-1] == answers[-2]:
        answers.pop()
    return tuple(answers)


# What is expected


async def _played(name: str, given: Given, doings: Sequence[Doing], book: Book, flows: Path) -> str:
    """Plays it once and writes down what happens."""
    lines = [f"test: {name}", *_given(given), "talk:"]
    with sealed():
        room = Room(await ground(book, flows), given)
        for doing in doings:
            lines += _told(_entry(doing))
            await do(doing, room)
            stretch = await room.stretch()
            if expected := _expected(stretch, book):
                lines.append(f"  - expect: {spell(expected)}")
    return "\n".join(lines) + "\n"


def _expected(stretch: Stretch, book: Book) -> dict[str, Any]:
    said = [
        key_of(message, book) or _beginning(message)
        for event in stretch.events
        if isinstance(event.body, Said) and event.author.kind in ("bot", "system") and event.public
        for message in (event.body.message,)
    ]
    expected: dict[str, Any] = {"said": said[0] if len(said) == 1 else said} if said else {"nothing_said": True}
    if stretch.calls:
        expected["did"] = {call.action: dict(call.args) for call in stretch.calls}
    if ended := [outcome for _, outcome in outcomes(stretch)]:
        expected["outcome"] = ended[0] if len(ended) == 1 else ended
    if stretch.handoffs:
        expected["handoff"] = stretch.handoffs[-1].queue
    if stretch.conversation and stretch.conversation.control.state != "bot":
        expected["control"] = stretch.conversation.control.state
    pending = book.pending(stretch.state)
    if pending or list(moves(stretch)):
        expected["ask"] = pending.slot.name if pending else None
    return expected


def _beginning(message: Message) -> str:
    """Its first line, without the choices."""
    return next(
        (line for part in message.parts if not isinstance(part, Choices) for line in plain(part).split("\n")), ""
    )


# How it is written


def _given(given: Given) -> Iterator[str]:
    yield "given:"
    if given.now:
        yield f"  now: {given.now:%Y-%m-%dT%H:%M:%SZ}"
    if given.language:
        yield f"  language: {given.language}"
    if given.actions:
        yield "  actions:"
    for name, answers in given.actions.items():
        told = [{"error": each.why} if isinstance(each, Fails) else each for each in answers]
        is_one = len(told) == 1 and not isinstance(told[0], list)
        yield f"    {name}: {spell(told[0] if is_one else told)}"


def _told(entry: Mapping[str, Any]) -> Iterator[str]:
    for number, (key, value) in enumerate(entry.items()):
        yield f"  {' ' if number else '-'} {key}: {spell(value, alone=True)}"


def _entry(doing: Doing) -> dict[str, Any]:
    match doing:
        case Says(lines, model=model):
            said = {"customer": lines[0] if len(lines) == 1 else list(lines)}
            return {**said, **({"model": [_said_by_model(item) for item in model[0].items]} if model else {})}
        case Presses(label):
            return {"customer": {"press": label}}
        case Opens(payload):
            return {"customer": {"open": payload or None}}
        case Passes(span):
            return {"advance": _spelled(span)}
        case AgentDoes(act="says" | "notes" as act, words=words):
            return {"agent": {act: words}}
        case AgentDoes(act="hands_back", how=how, words=words):
            return {"agent": {"hands_back": how, **({"instruction": words} if words else {})}}
        case AgentDoes(act=act):
            return {"agent": act}
        case Signals(name, value):
            return {"event": name, **({} if value is None else {"value": value})}
        case Restarts():
            return {"restart": True}
        case _:
            assert_never(doing)


def _said_by_model(item: str | Command | Cites | Fails) -> Any:
    match item:
        case str():
            return item
        case Cites(document):
            return {"cite": document}
        case Fails(why):
            return {"error": why}
        case command:
            return slash(command)


def _spelled(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
