"""Customers on a platform that repeats itself, and agents whose browsers try again: what the product is worked with."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.errors import ControlMoved, NewerEvents, Refusal, StoreDown
from bot.model import Card, Choices, Conversation, Incoming, Opened, Option, Pressed, Said, text
from bot.ports import Arrival
from bot.units import Amended
from config.wiring import Parts
from tests.faults import journal
from tests.faults.simulation.house import House, Worker, agent
from tests.faults.simulation.loop import Gone
from tests.faults.simulation.outside import ACCOUNT, Chat

Command = Literal["take_over", "claim", "send", "hand_back", "resolve", "note"]

WORDS = (
    "tell me of tents {uid}",
    "how long does a tent keep the rain out {uid}",
    "book it {uid}",
    "book it {uid}",
    "A-{uid}",
    "A-{uid}",
    "choose a colour {uid}",
    "red {uid}",
    "hello {uid}",
    "nothing that is known {uid}",
)
LATER = ("remind me {uid}", "order it for later {uid}", "remind me {uid}", "order it for later {uid}")
RARE = ("I want to talk to a human {uid}", "cancel {uid}", "never mind {uid}", "start over {uid}")

PATIENCE = 5.0
"""Seconds after which a platform or a browser gives a request up, and repeats it."""


@dataclass(frozen=True, slots=True)
class Update:
    """What the platform hands over, as often as it takes."""

    chat: str
    key: str
    uid: str
    body: Incoming


class Customer:
    """One chat of the platform."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.chat = house, str(number)
        self.chance = random.Random(f"customer {house.seed} {number}")
        self.said = 0
        self.updates: list[Update] = []

    def update(self, body: Callable[[str], Incoming]) -> Update:
        self.said += 1
        uid = f"u{self.chat}n{self.said}"
        update = Update(self.chat, f"{self.chat}.{self.said}", uid, body(uid))
        self.updates.append(update)
        return update

    async def say(self, words: str) -> None:
        await self.deliver(self.update(lambda uid: Said(text(words.format(uid=uid)))))

    async def live(self, acts: int, pause: float) -> None:
        for _ in range(acts):
            await self.act()
            await asyncio.sleep(self.chance.choice((0, 0, self.chance.uniform(0, pause))))

    async def act(self) -> None:
        roll = self.chance.random()
        if roll < 0.08 and self.updates:
            await self.repeat()
        elif roll < 0.16 and self.buttons():
            option = self.chance.choice(self.buttons())
            for _ in range(2):
                await self.deliver(self.update(lambda uid: Pressed(option.token, f"{option.label} {uid}")))
        elif roll < 0.24:
            burst = [self.update(self.words()) for _ in range(self.chance.choice((2, 3)))]
            await asyncio.gather(*map(self.deliver, burst))
        elif roll < 0.3:
            update = self.update(self.words())
            await asyncio.gather(*(self.deliver(update) for _ in range(2)))
        elif roll < 0.32:
            await self.deliver(self.update(lambda uid: Opened(f"from {uid}")))
        else:
            await self.deliver(self.update(self.words()))

    def words(self) -> Callable[[str], Incoming]:
        usual = (*WORDS, *LATER) if self.house.is_changing else WORDS
        words = self.chance.choice(usual if self.chance.random() < 0.9 else RARE)
        return lambda uid: Said(text(words.format(uid=uid)))

    async def repeat(self) -> None:
        """The platform does, long after it was told; once in a while what it says then is something else."""
        update = self.chance.choice(self.updates)
        if self.chance.random() < 0.2:
            await self.deliver(update, Said(text(f"not what was said {update.uid}")))
        else:
            await self.deliver(update)

    def buttons(self) -> list[Option]:
        return [
            option
            for message in self.house.outside.shown[self.chat]
            for part in message.parts
            if isinstance(part, Choices | Card)
            for option in part.options
        ]

    async def deliver(self, update: Update, other: Incoming | None = None) -> None:
        """Until it is acknowledged, as platforms do."""
        outside = self.house.outside
        for attempt in range(1, 200):
            await asyncio.sleep(0 if attempt == 1 else min(2 ** (attempt - 2) * 0.2, 2) * self.chance.uniform(0.5, 1))
            worker = self.house.working()
            if worker is None:
                continue
            facts = {"chat": update.chat, "key": update.key}
            outside.note(journal.Sent, **facts, uid=update.uid, attempt=attempt, same=other is None)
            status = await self._hand_over(worker, update, other or update.body)
            outside.note(journal.Answered, **facts, status=status)
            if status == 200:
                return
        raise AssertionError(f"update {update.key} is never taken")

    async def _hand_over(self, worker: Worker, update: Update, body: Incoming) -> int:
        try:
            async with asyncio.timeout(PATIENCE):
                await worker.ask(lambda parts: parts.inbox(self._arrival(parts, update, body)))
        except (Gone, TimeoutError):
            return 0
        except StoreDown:
            return 503
        return 200

    def _arrival(self, parts: Parts, update: Update, body: Incoming) -> Arrival:
        to = Chat(self.house.outside).address(update.chat)
        return Arrival(
            account=ACCOUNT,
            key=update.key,
            raw=update.uid.encode(),
            to=to,
            by=update.chat,
            at=parts.clock.now(),
            bodies=(body,),
            language="en",
        )


class Person:
    """A human agent at a console."""

    def __init__(self, house: House, name: str, number: int) -> None:
        self.house, self.who, self.number = house, agent(name), number
        self.chance = random.Random(f"person {house.seed} {name}")
        self.commands = 0

    async def live(self, chats: Sequence[str], acts: int, pause: float) -> None:
        for _ in range(acts):
            await asyncio.sleep(self.chance.uniform(0, pause))
            await self.act(self.chance.choice(chats))

    async def act(self, chat: str) -> None:
        found = await self.house.found(chat)
        if found is None:
            return
        now = found.conversation
        if self.chance.random() < 0.3:  # what is on the screen may be old by now
            await asyncio.sleep(self.chance.uniform(0, 2))
        if now.control.state == "human" and now.control.holder == self.who.id:
            commands: tuple[Command, ...] = ("send", "send", "hand_back", "resolve", "note")
        else:
            commands = ("take_over", "take_over", "claim", "note", "resolve")
        await self.command(self.chance.choice(commands), chat, now)

    async def command(self, command: Command, chat: str, now: Conversation) -> int:
        """With what was on the screen then; a browser repeats it under its key until it has an answer."""
        outside = self.house.outside
        self.commands += 1
        id = f"{self.who.id}.{self.commands}"
        spoken = command in ("send", "claim", "note")
        uid = f"u{90 + self.number}{chat}n{1000 + self.commands}" if spoken else ""
        outside.note(journal.Commanded, agent=self.who.id, id=id, chat=chat, command=command, uid=uid)
        status, done = 0, None
        for attempt in range(60):
            await asyncio.sleep(attempt and 0.5)
            worker = self.house.working()
            if worker is None:
                continue
            try:
                async with asyncio.timeout(PATIENCE):
                    done = await worker.ask(lambda parts: self._do(parts, command, now, id, uid))
                status = 200
            except (ControlMoved, NewerEvents, Refusal):
                status = 409
            except (Gone, StoreDown, TimeoutError):
                continue
            break
        outside.note(
            journal.Decided,
            id=id,
            status=status,
            epoch=done.conversation.control.epoch if done else 0,
            in_flight=str(done.in_flight or "") if done else "",
        )
        return status

    def _do(self, parts: Parts, command: Command, now: Conversation, key: str, uid: str) -> Awaitable[Amended]:
        desk, epoch, who = parts.desk, now.control.epoch, self.who
        match command:
            case "take_over":
                return desk.take_over(now.id, who, epoch, key=key)
            case "claim" | "send":
                claim = command == "claim"
                words = f"I see to it {uid}"
                return desk.reply(now.id, who, words, seen=now.last_seq, epoch=epoch, key=key, claim=claim)
            case "hand_back":
                return desk.hand_back(now.id, who, epoch, key=key)
            case "resolve":
                return desk.resolve(now.id, who, epoch, key=key)
            case "note":
                return desk.note(now.id, who, f"a note {uid}", key=key)
