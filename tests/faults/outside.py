"""The outside world: a platform with its customers, agents, and somebody else's system. No fault touches it.

It writes its journals before it acts or answers. Like a platform, it repeats an update until it is answered 2xx, and
hands over the next one of a chat only then.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from tests.faults.journal import Answered, Commanded, Decided, Done, Journal, Received, Sent, now, uids
from tests.faults.wire import Unanswered, post, post_and_go, serve
from tests.faults.worker import Call, Command, Standing, Update

STUCK = 60.0
"""Seconds: what has not happened by then never will."""
PATIENCE = 2.5
"""Seconds that a platform waits for the answer to an update."""

WISHES = ("boots",) * 8 + ("please",) * 4 + ("book boots", "boots and book them") * 3 + ("slow boots",)

AGENTS = 1_000_000
"""The chat in the uids of what agents say: no customer has it."""


class Booking(msgspec.Struct):
    key: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What came of an agent's command."""

    status: int
    standing: Standing | None = None


class Outside:
    def __init__(self, folder: Path, doors: Sequence[Path], chance: random.Random) -> None:
        self.doors, self.chance = tuple(doors), chance
        self.replies: Counter[str] = Counter()
        """How often a customer read something that holds this uid."""
        self.repeated: set[str] = set()
        """Keys of pieces that came marked as "this may be a repeat"."""
        self.accepted: list[Update] = []
        self.statuses: Counter[int] = Counter()
        """How the doors answered."""
        self.slowest = 0.0
        """Seconds that a door took to refuse."""
        self.lose = 0.0
        """The share of messages whose receipt does not reach the sender."""
        self._journals = {
            name: Journal(folder / f"{name}.jsonl") for name in ("customers", "platform", "agents", "other")
        }
        self._socket = folder / "outside.sock"
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last: Counter[str] = Counter()
        self._booked: dict[str, str] = {}
        self._ids = itertools.count(1)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await serve(self._socket, self._handle)
        try:
            yield
        finally:
            server.close()
            for journal in self._journals.values():
                journal.close()

    # What it is told

    async def _handle(self, target: str, body: bytes) -> tuple[int, bytes]:
        match target:
            case "/receive":
                return await self._receive(msgspec.json.decode(body, type=Call))
            case "/book":
                return self._book(msgspec.json.decode(body, type=Booking))
            case "/booked":
                return 200, self._booked.get(msgspec.json.decode(body, type=Booking).key, "").encode()
            case _:
                return 404, b""

    async def _receive(self, call: Call) -> tuple[int, bytes]:
        lost = self.chance.random() < self.lose
        answer: Literal["ok", "lost"] = "lost" if lost else "ok"
        self._journals["platform"].write(
            Received(at=now(), chat=call.chat, key=call.key, text=call.words, again=call.again, answer=answer)
        )
        self.replies.update(uids(call.words))
        if call.again:
            self.repeated.add(call.key)
        await asyncio.sleep(self.chance.uniform(0, 0.02))
        if lost:
            raise Unanswered
        return 200, b""

    def _book(self, booking: Booking) -> tuple[int, bytes]:
        repeat = booking.key in self._booked
        self._journals["other"].write(Done(at=now(), key=booking.key, uid=booking.uid, repeat=repeat))
        return 200, self._booked.setdefault(booking.key, f"B-{len(self._booked) + 1}").encode()

    # Customers

    def writes(self, chat: str, wish: str, *, padding: str = "") -> Update:
        self._last[chat] += 1
        uid = f"u{chat}n{self._last[chat]}"
        return Update(key=f"update-{uid}", chat=chat, words=f"{uid} {wish}", padding=padding)

    async def deliver(self, update: Update) -> None:
        """After what this chat wrote before; again and again, until it is accepted."""
        async with self._turns[update.chat], asyncio.timeout(STUCK):
            for attempt in itertools.count(1):
                status = await self.hand_over(update, attempt=attempt)
                if 200 <= status < 300:
                    self.accepted.append(update)
                    return
                await asyncio.sleep(self.chance.uniform(0.05, 0.15))

    async def hand_over(
        self, update: Update, *, attempt: int = 1, same: bool = True, door: Path | None = None, waits: bool = True
    ) -> int:
        """One attempt. Without `waits` the connection is closed before the answer: it is lost."""
        (uid,) = uids(update.words)
        journal = self._journals["customers"]
        journal.write(Sent(at=now(), chat=update.chat, key=update.key, uid=uid, attempt=attempt, same=same))
        door, body, began = door or self.chance.choice(self.doors), msgspec.json.encode(update), now()
        status = 0
        with contextlib.suppress(OSError):
            if waits:
                status, _ = await post(door, "/update", body, seconds=PATIENCE)
            else:
                await post_and_go(door, "/update", body)
        self.statuses[status] += 1
        if status >= 500:
            self.slowest = max(self.slowest, (now() - began) / 1e9)
        journal.write(Answered(at=now(), chat=update.chat, key=update.key, status=status))
        return status

    @asynccontextmanager
    async def load(self, chats: int, rate: float) -> AsyncIterator[None]:
        """Customers write at random, `rate` messages a second; at the end all they wrote has been accepted."""
        names = [str(number) for number in range(1, chats + 1)]

        async def write() -> None:
            chat, wish = self.chance.choice(names), self.chance.choice(WISHES)
            await self.deliver(self.writes(chat, wish))

        async with _repeating(write, lambda: self.chance.expovariate(rate)):
            yield

    # Agents

    @asynccontextmanager
    async def agents(self, every: float) -> AsyncIterator[None]:
        """Now and then an agent takes over somewhere, answers, and hands back."""

        async def help_out() -> None:
            if self.accepted:
                await self.help_out(f"Agent {next(self._ids)}", self.chance.choice(self.accepted).chat)

        async with _repeating(help_out, lambda: self.chance.expovariate(1 / every)):
            yield

    async def help_out(self, agent: str, chat: str) -> None:
        held = await self.command(agent, "take_over", chat)
        if held.standing is None:
            return
        await self.command(agent, "send", chat, at=held.standing)
        await asyncio.sleep(self.chance.uniform(0, 0.3))
        await self.command(agent, "hand_back", chat, at=held.standing)

    async def look(self, chat: str) -> Standing:
        """How things stand. Raises `LookupError` for a chat that nobody has written in."""
        seen = await self._ask(Command(command="look", agent="", chat=chat, id=""))
        if seen.standing is None:
            raise LookupError(chat)
        return seen.standing

    async def command(
        self,
        agent: str,
        command: Literal["take_over", "claim", "send", "hand_back"],
        chat: str,
        *,
        at: Standing | None = None,
        speaks: bool = False,
    ) -> Desk:
        """As the agent's screen shows it (`at`, else now); repeated under its id until there is an answer.

        A `claim` that `speaks` takes over and says something in one.
        """
        at = at or await self.look(chat)
        number = next(self._ids)
        id, uid = f"{command}-{number}", f"u{AGENTS}n{number}" if speaks or command == "send" else ""
        words = f"{uid} is what a person says" if uid else ""
        journal = self._journals["agents"]
        journal.write(Commanded(at=now(), agent=agent, id=id, chat=chat, command=command, uid=uid))
        done = await self._ask(
            Command(command=command, agent=agent, chat=chat, id=id, epoch=at.epoch, seen=at.seq, words=words)
        )
        standing = done.standing or Standing(epoch=0, seq=0)
        journal.write(Decided(at=now(), id=id, status=done.status, epoch=standing.epoch, in_flight=standing.in_flight))
        return done

    async def _ask(self, command: Command) -> Desk:
        async with asyncio.timeout(STUCK):
            while True:
                with contextlib.suppress(OSError):
                    door = self.chance.choice(self.doors)
                    status, body = await post(door, "/desk", msgspec.json.encode(command), seconds=PATIENCE)
                    if status == 200:
                        return Desk(200, msgspec.json.decode(body, type=Standing))
                    if status in (404, 409):
                        return Desk(status)
                await asyncio.sleep(self.chance.uniform(0.05, 0.15))


@asynccontextmanager
async def _repeating(act: Callable[[], Coroutine[Any, Any, None]], pause: Callable[[], float]) -> AsyncIterator[None]:
    """Begin `act` anew after each pause, however long it takes; at the end all that was begun is let finish."""
    async with asyncio.TaskGroup() as begun:

        async def go_on() -> None:
            while True:
                await asyncio.sleep(pause())
                begun.create_task(act())

        going = begun.create_task(go_on())
        try:
            yield
        finally:
            going.cancel()
