"""The process that is killed: the whole core on a real store, with a door, a way out and a desk of the stand-ins.

The product knows nothing of its death: every port is wrapped where the parts are put together, and there this process
ends itself, as `kill -9` would, when it crosses the stage it was told to die at.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import re
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from bot.errors import ControlMoved, NewerEvents, NotFound, StoreDown, Unreachable
from bot.fit import plain
from bot.flow.actions import Action
from bot.flow.read import read
from bot.model import Address, AgentId, Json, Message, Said, Start, Text, text
from bot.ports import (
    Answer,
    Arrival,
    Ask,
    Capabilities,
    Clock,
    Limit,
    Receipt,
    Receive,
    Shown,
    Store,
    Unit,
    Wanted,
    Words,
)
from bot.store import open_store
from bot.units import (
    Accept,
    Agent,
    Amend,
    Amended,
    Claim,
    Commit,
    Committed,
    Find,
    Intend,
    Record,
    Renew,
    Ring,
    SendClaim,
    Settle,
)
from config.machine import SystemClock, SystemRandom
from config.settings import DeskFile, Settings
from config.wiring import Parts, running
from tests.faults.journal import Asked, Fault, Journal, Log, Sending, Settled, now, uids
from tests.faults.wire import post, serve

R = TypeVar("R")

SHOP = Path(__file__).parent / "shop"
CHANNEL, ACCOUNT = "line", "shop"
SEND_LEASES = 4
"""The lease of a delivery, in those of a conversation."""

REMINDER = re.compile(r"\bremind (\S+) at (\S+)")

STAGES = (
    "update read",
    "T0 before commit",
    "after commit, before ack",
    "after ack",
    "T1",
    "before model",
    "mid-stream",
    "after model",
    "T2",
    "action called",
    "T3",
    "T4 before commit",
    "T4 after commit",
    "T5",
    "platform accepted, before T6",
    "T6",
    "timer claimed",
    "lease renewed",
    "takeover committed",
)
"""Of RELIABILITY.md, section 2: all that exist so far. Placeholders do not yet."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker is told."""

    name: str
    folder: str
    """Of the journals and sockets."""
    database: str
    seed: int
    lease: float = 1
    deadline: float = 120
    memory: int = 0
    """Bytes of address space that it may take beyond what it starts with; 0: any."""
    stage: str = ""
    """Where it dies; empty: nowhere."""
    nth: int = 1
    ahead: float = 0
    """Seconds that its wall clock is before the machine's."""


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform tells the door."""

    key: str
    chat: str
    words: str
    padding: str = ""
    """What platforms send along, and nobody reads."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What the way out tells the platform."""

    key: str
    chat: str
    words: str
    again: bool


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent does; `look` asks how things stand."""

    command: str
    agent: str
    chat: str
    id: str
    epoch: int = 0
    seen: int = 0
    words: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    epoch: int
    seq: int
    in_flight: str = ""


class Ahead(SystemClock):
    """As it will be in so many seconds, by the wall clock."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


class Doom:
    """Ends this process when `stage` is crossed for the n-th time."""

    def __init__(self, spec: Spec, journal: Journal, chance: random.Random) -> None:
        self._stage, self._left, self._name = spec.stage, spec.nth, spec.name
        self._journal, self._chance = journal, chance

    def cross(self, stage: str) -> None:
        if self._is_due(stage):
            self._die()

    def cross_soon(self, stage: str) -> None:
        """Within the next moments, while what was begun here is under way."""
        if self._is_due(stage):
            asyncio.get_running_loop().call_later(self._chance.uniform(0, 0.003), self._die)

    def _is_due(self, stage: str) -> bool:
        if stage != self._stage:
            return False
        self._left -= 1
        return self._left == 0

    def _die(self) -> None:
        self._journal.write(Fault(at=now(), name="kill", phase="start", target=self._name, detail=self._stage))
        os.kill(os.getpid(), signal.SIGKILL)


class DoomedStore:
    def __init__(self, store: Store, doom: Doom, journal: Journal, name: str) -> None:
        self._store, self._doom, self._journal, self._name = store, doom, journal, name
        self.read, self.close = store.read, store.close

    async def write(self, unit: Unit[R], /) -> R:
        self._begin(unit)
        result = await self._store.write(unit)
        self._note(unit, result)
        self._doom.cross(_passed(unit, result))
        return result

    def _begin(self, unit: object) -> None:
        match unit:
            case Accept():
                self._doom.cross_soon("T0 before commit")
            case Commit():
                self._doom.cross_soon("T4 before commit")
            case Settle(state="sent"):
                self._doom.cross("platform accepted, before T6")

    def _note(self, unit: object, result: Any) -> None:
        match unit:
            case SendClaim():
                for each in result:
                    self._journal.write(Sending(at=now(), worker=self._name, key=each.id, attempt=each.attempt))
            case Settle() if result:
                self._journal.write(Settled(at=now(), worker=self._name, key=unit.delivery, attempt=unit.attempt))


def _passed(unit: object, result: object) -> str:
    """The stage that a unit was, where its guard let it pass."""
    match unit:
        case Claim() if result:
            return "T1"
        case Intend() if result:
            return "T2"
        case Record():
            return "T3"
        case Commit() if isinstance(result, Committed):
            return "T4 after commit"
        case SendClaim() if result:
            return "T5"
        case Settle() if result:
            return "T6"
        case Ring() if isinstance(result, tuple) and any(rung.claimed for rung in result):
            return "timer claimed"
        case Renew() if result:
            return "lease renewed"
        case Amend() if unit.control and isinstance(result, Amended):
            return "takeover committed"
        case _:
            return "another"


class Echo:
    """A model that repeats the uids it is asked about, in every way a model can answer; some words do it harm."""

    name = "echo"

    def __init__(self, journal: Journal, doom: Doom, chance: random.Random) -> None:
        self._journal, self._doom, self._chance = journal, doom, chance

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        self._journal.write(Asked(at=now(), text="\n".join([*(line.text for line in ask.history), ask.words])))
        self._doom.cross("before model")
        await _suffer(ask.words)
        heard = uids(ask.words)
        await self._think(ask)
        if "book" in ask.words:
            wish = next(line for line in ask.words.splitlines() if "book" in line)
            yield Wanted(Start("book", {"uid": uids(wish)[0], "uids": " ".join(heard)}))
        elif asked := REMINDER.search(ask.words):
            yield Wanted(Start("remind", {"uids": " ".join(heard), "mark": asked[1], "due": asked[2]}))
        elif ask.passages:
            yield Words("I heard ")
            self._doom.cross("mid-stream")
            await self._think(ask)
            yield Words(" ".join(heard))
        else:
            yield Wanted(Start("tell", {"uids": " ".join(heard)}))
        self._doom.cross("after model")

    async def _think(self, ask: Ask) -> None:
        await asyncio.sleep(0.4 if "slow" in ask.words else self._chance.uniform(0.005, 0.05))


async def _suffer(words: str) -> None:
    if "raise" in words:
        raise RuntimeError("this model is broken")
    if "stall" in words:
        time.sleep(1.5)  # noqa: ASYNC251  (the whole process stands still)
    if "hang" in words:
        await asyncio.Event().wait()
    if "devour" in words:
        eaten = []
        while True:  # until the operating system says no
            eaten.append(bytearray(1 << 24))
    if "crash" in words:
        os.kill(os.getpid(), signal.SIGKILL)


class Line:
    """A channel like most: pushed to, and without a way to know what became of a call that was not answered."""

    name, account = CHANNEL, ACCOUNT

    def __init__(self, door: Path, outside: Path, doom: Doom, desk: Callable[[bytes], Any], clock: Clock) -> None:
        self._door, self._outside, self._doom, self._desk, self._clock = door, outside, doom, desk, clock

    def capabilities(self, to: Address) -> Capabilities:
        return Capabilities(text=Limit(4096), marks=frozenset(), parts=frozenset((Text,)), buttons=None, resend="blind")

    async def run(self, receive: Receive) -> None:
        async def handle(target: str, body: bytes) -> tuple[int, bytes]:
            try:
                if target == "/desk":
                    standing: tuple[int, bytes] = await self._desk(body)
                    return standing
                return await self._accept(body, receive)
            except StoreDown as down:
                return 503, str(down).encode()

        def answered(target: str) -> None:
            if target == "/update":
                self._doom.cross("after ack")

        server = await serve(self._door, handle, answered)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _accept(self, body: bytes, receive: Receive) -> tuple[int, bytes]:
        update = msgspec.json.decode(body, type=Update)
        self._doom.cross("update read")
        arrival = Arrival(
            account=ACCOUNT,
            key=update.key,
            raw=body,
            to=Address(CHANNEL, ACCOUNT, update.chat),
            by=update.chat,
            at=self._clock.now(),
            bodies=(Said(text(update.words)),),
            language="en",
        )
        await receive(arrival)
        self._doom.cross("after commit, before ack")
        return 200, b""

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
        words = "\n".join(filter(None, map(plain, message.parts)))
        call = msgspec.json.encode(Call(key=key, chat=to.chat, words=words, again=again))
        try:
            status, _ = await post(self._outside, "/receive", call)
        except OSError as error:
            raise Unreachable(f"no answer: {error!r}") from error
        if status != 200:
            raise Unreachable(f"answered {status}")
        return Receipt((key,), self._clock.now())


def desk_of(parts: Parts) -> Callable[[bytes], Any]:
    """The agents' way in: what was done, or why not."""

    async def act(body: bytes) -> tuple[int, bytes]:
        command = msgspec.json.decode(body, type=Command)
        found = await parts.store.read(Find(address=Address(CHANNEL, ACCOUNT, command.chat)))
        if found is None:
            return 404, b""
        try:
            done = await _act(parts, command, found.conversation.id)
        except (ControlMoved, NewerEvents) as refused:
            return 409, repr(refused).encode()
        except NotFound:
            return 404, b""
        after = done.conversation if done else found.conversation
        standing = Standing(epoch=after.control.epoch, seq=after.last_seq, in_flight=(done and done.in_flight) or "")
        return 200, msgspec.json.encode(standing)

    return act


async def _act(parts: Parts, command: Command, conversation: Any) -> Amended | None:
    who, desk, epoch, key = _agent(command.agent, parts), parts.desk, command.epoch, command.id
    match command.command:
        case "claim" if command.words:
            words, seen = command.words, command.seen
            return await desk.reply(conversation, who, words, seen=seen, epoch=epoch, key=key, claim=True)
        case "take_over" | "claim":
            return await desk.take_over(conversation, who, epoch, key=key)
        case "send":
            return await desk.reply(conversation, who, command.words, seen=command.seen, epoch=epoch, key=key)
        case "hand_back":
            return await desk.hand_back(conversation, who, epoch, key=key)
        case "look":
            return None
        case other:
            raise ValueError(other)


def _agent(name: str, parts: Parts) -> Agent:
    return Agent(
        id=AgentId(name.lower()),
        email=f"{name.lower()}@shop.example",
        name=name,
        role="agent",
        password="",
        disabled=False,
        created_at=parts.clock.now(),
    )


def _doomed(action: Action, doom: Doom) -> Action:
    async def call(args: Mapping[str, Json], key: str) -> Json:
        result = await action.call(args, key)
        doom.cross("action called")
        return result

    return dataclasses.replace(action, call=call)


async def work(spec: Spec) -> None:
    """Serve until SIGTERM, then stop gracefully."""
    folder = Path(spec.folder)
    outside, journal = folder / "outside.sock", Journal(folder / f"worker-{spec.name}.jsonl")
    os.environ["FAULTS_OUTSIDE"] = str(outside)
    _log_to(journal)
    chance, stop = random.Random(spec.seed), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    doom, clock = Doom(spec, journal, chance), Ahead(spec.ahead)
    book = read(SHOP)
    actions = {name: _doomed(action, doom) for name, action in book.actions.items()}
    line = Line(folder / f"{spec.name}.sock", outside, doom, lambda body: act(body), clock)
    async with running(
        Settings(data=folder),
        DeskFile(flows=SHOP, quiet_ms=40),
        dataclasses.replace(book, actions=actions),
        store=DoomedStore(await asyncio.to_thread(open_store, spec.database, clock), doom, journal, spec.name),
        clock=clock,
        random=SystemRandom(),
        senders=[line],
        model=Echo(journal, doom, chance),
        lease=timedelta(seconds=spec.lease),
        send_lease=timedelta(seconds=SEND_LEASES * spec.lease),  # half of it: how long the outside world may be slow
        deadline=timedelta(seconds=spec.deadline),
    ) as parts:
        act = desk_of(parts)
        if spec.memory:
            _bound_memory(spec.memory)
        serving = asyncio.create_task(line.run(parts.inbox))
        await stop.wait()
        serving.cancel()


def _bound_memory(more: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _log_to(journal: Journal) -> None:
    """What the program says is part of what the world saw."""

    def write(logger: Any, method: str, event: Mapping[str, Any]) -> str:
        with contextlib.suppress(OSError):  # a disk that is full
            journal.write(Log(at=now(), text=" ".join(f"{name}={value}" for name, value in event.items())))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, write],
        cache_logger_on_first_use=True,
    )


def main(spec: Spec) -> None:
    asyncio.run(work(spec))


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Spec))
