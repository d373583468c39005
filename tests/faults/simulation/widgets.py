"""Visitors of a website on one worker: their lines break, they come back, and see each event once and no stale draft.

A bus of one process loses nothing, so nobody may have to look twice: what was shown when all is quiet is all there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import MutableMapping
from typing import Any, TypeVar

import msgspec

from bot.ports import Question, Random, Store
from channels.web.door import Door
from channels.web.frames import (
    ClientFrame,
    CustomerEvent,
    Draft,
    EventFrame,
    Greeting,
    Hello,
    RefusedFrame,
    Reset,
    SaidView,
    Say,
    ServerFrame,
    Stop,
    TextView,
    Welcome,
)
from channels.web.line import Line, Queued
from channels.web.settings import WebLimits, WebSettings
from config.wiring import Parts
from tests.faults import journal
from tests.faults.simulation.house import House, Worker, judged, opened
from tests.faults.simulation.loop import Gone, Life, Stuck
from tests.faults.simulation.outside import Weather
from tests.faults.simulation.people import WORDS
from tests.faults.simulation.runs import Run

R = TypeVar("R")

WEATHER = Weather(slow=0.05, refused=0.05, model_down=0.03)
VISITORS = 4
ACTS = 12
_MANY = 100_000
FREE = WebLimits(
    messages_per_minute=_MANY,
    messages_per_address=_MANY,
    reads_per_address=_MANY,
    frames_per_second=_MANY,
    connections_per_address=_MANY,
    connections_per_visitor=_MANY,
)

_decode = msgspec.json.Decoder(ServerFrame).decode
_encode = msgspec.json.Encoder().encode


def run_widgets(seed: int) -> Run:
    with opened(seed, workers=1, weather=WEATHER) as house:
        try:
            quiet = house.loop.run(_play(house))
            broken = [*judged(house), *([] if quiet else ["I7: it never came to rest"])]
        except Stuck as stuck:
            broken = [f"I7: {stuck}"]
        ((events,),) = house.rows("SELECT count(*) FROM event")
        assert isinstance(events, int)
        return Run(seed, tuple(broken), events, house.history())


async def _play(house: House) -> bool:
    (worker,) = house.workers
    doors = _Doors(worker)
    await house.start()
    widgets = [Widget(house, doors, number) for number in range(1, VISITORS + 1)]
    await asyncio.gather(*(widget.live() for widget in widgets))
    quiet = await house.settle()
    await asyncio.gather(*(widget.stay() for widget in widgets))
    await asyncio.sleep(5)
    for widget in widgets:
        widget.note(journal.CaughtUp, seq=widget.held)
    return quiet


class _Far:
    """The store as the doors reach it: what was read may have grown old on its way here."""

    def __init__(self, store: Store, random: Random) -> None:
        self._store, self._random = store, random
        self.write, self.close = store.write, store.close

    async def read(self, question: Question[R], /) -> R:
        answer = await self._store.read(question)
        if self._random.between(0, 1) < 0.5:
            await asyncio.sleep(self._random.between(0, 0.5))
        return answer


class _Doors:
    """The door of each life of the worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._open: tuple[Parts, Door] | None = None

    def of(self, parts: Parts) -> Door:
        if self._open is None or self._open[0] is not parts:
            door = Door(
                WebSettings(account="shop", brand="Shop", assistant="Ada", limits=FREE, recheck_seconds=0),
                store=_Far(parts.store, parts.random),
                bus=parts.bus,
                receive=parts.inbox,
                clock=parts.clock,
                random=parts.random,
                secret=b"secret",
                greeting=lambda language: Greeting("Ada", "Shop", (), language),
                files=parts.files,
            )
            self._open = parts, door
        return self._open[1]


class Widget:
    """One visitor's page."""

    def __init__(self, house: House, doors: _Doors, number: int) -> None:
        self.house, self.number, self._doors = house, number, doors
        self.chance = random.Random(f"widget {house.seed} {number}")
        self.identity = hashlib.sha256(b"%d" % number).hexdigest()
        self.thread = hashlib.md5(b"%d" % number).hexdigest()
        self.held = 0
        self.said = 0
        self._acked: set[str] = set()
        self._line: Line | None = None
        self._life: Life | None = None
        self._drawn: dict[int, tuple[int, str]] = {}
        """By turn: its attempt and what is seen of it."""

    def note(self, record: Any, **facts: Any) -> None:
        self.house.outside.note(record, client=f"widget {self.number}", chat=self.thread, **facts)

    async def live(self) -> None:
        for _ in range(ACTS):
            if not self._is_up() or self.chance.random() < 0.2:
                await self.connect()
            await self.say(self.chance.choice(WORDS))
            await asyncio.sleep(self.chance.uniform(0, 1.5))
            if self.chance.random() < 0.1:
                await self._give(Stop())
            if self.chance.random() < 0.03:
                self._doors.worker.kill()
        await self.say("tell me of tents {uid}")
        await asyncio.sleep(self.chance.uniform(0, 1.5))
        await self.connect()  # while the last answer comes: nothing after it would show a gap

    async def stay(self) -> None:
        if not self._is_up():
            await self.connect()

    def _is_up(self) -> bool:
        """Whether the browser still has its socket."""
        return self._line is not None and not self._line.cut_with and self._life is self._doors.worker.life

    async def connect(self) -> None:
        """Until it is connected."""
        while True:
            await self._hang_up()
            self._drawn.clear()
            self.note(journal.Opened, after=self.held)
            self._life = self._doors.worker.life
            try:
                await self._doors.worker.ask(self._connect)
            except Gone:
                self._line = None
            if self._is_up():
                return
            await asyncio.sleep(0.3)

    async def say(self, words: str) -> None:
        """Until it is acknowledged."""
        self.said += 1
        uid, outside = f"u{self.number}n{self.said}", self.house.outside
        id = hashlib.md5(uid.encode()).hexdigest()
        for attempt in range(1, 100):
            outside.note(journal.Sent, chat=self.thread, key=id, uid=uid, attempt=attempt)
            await self._give(Say(id, words.format(uid=uid)))
            await asyncio.sleep(0.2)
            outside.note(journal.Answered, chat=self.thread, key=id, status=200 if id in self._acked else 503)
            if id in self._acked:
                return
            await self.connect()

    async def _connect(self, parts: Parts) -> None:
        door = self._doors.of(parts)
        line: Line

        async def send(message: MutableMapping[str, Any]) -> None:
            await self.house.outside.cross()
            if self._line is line:
                for frame in message["frames"]:
                    self._got(_decode(frame))

        line = self._line = Line(door, send, _together, address="10.0.0.1", watched=False)
        await line.start()
        token = door.tokens.grant(self.identity, "en")
        await line.take(_encode(Hello(token, self.thread, self.held)).decode())

    async def _give(self, frame: ClientFrame) -> None:
        line = self._line
        if line is None or not self._is_up():
            return
        try:
            await self._doors.worker.ask(lambda parts: line.take(_encode(frame).decode()))
        except Gone:
            self._line = None

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None and self._life is self._doors.worker.life:
            try:
                await self._doors.worker.ask(lambda parts: line.end())
            except Gone:
                pass

    def _got(self, frame: ServerFrame) -> None:
        match frame:
            case Welcome(events=events, seq=seq, draft=draft):
                for event in events:
                    self._show(event)
                self.held = max(self.held, seq)
                if draft:
                    self._draw(draft.turn, draft.attempt, draft.text, 0)
            case EventFrame(event=event):
                self._show(event)
            case Draft():
                self._draw(frame.turn, frame.attempt, frame.text, frame.start)
            case Reset(turn=turn, why=why):
                self._drawn.pop(turn, None)
                self.note(journal.Draft, turn=turn, reset=why)
            case RefusedFrame():
                self._line = None
            case _:
                if id := getattr(frame, "id", ""):
                    self._acked.add(id)

    def _show(self, event: CustomerEvent) -> None:
        self.held = max(self.held, event.seq)
        kind = str(type(event).__struct_config__.tag)
        self.note(journal.Shown, seq=event.seq, kind=kind, text=_text(event))
        if (turn := getattr(event, "turn", None)) is not None:
            self._drawn.pop(turn, None)

    def _draw(self, turn: int, attempt: int, text: str, start: int) -> None:
        before, seen = self._drawn.get(turn, (attempt, ""))
        if before != attempt:
            self.house.outside.complaints.append(f"widget {self.number} sees attempts {before} and {attempt} at once")
        self._drawn[turn] = attempt, seen[:start] + text
        self.note(journal.Draft, turn=turn, text=self._drawn[turn][1])


def _text(event: CustomerEvent) -> str:
    parts = event.parts if isinstance(event, SaidView) else ()
    return " ".join("".join(span.text for span in part.spans) for part in parts if isinstance(part, TextView))


def _together(queued: Queued) -> dict[str, Any]:
    return {"frames": [frame for frame, _ in queued]}
