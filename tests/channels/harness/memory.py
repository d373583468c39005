"""The memory channel before the contract suite: it is its own stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from bot.errors import Forbidden, NotSent, StoreDown, TryLater, Unreachable, Unshowable
from bot.model import Incoming, Media, Pressed, Said, Text, text
from bot.ports import Capabilities, Channel, Limit, Receive
from bot.testing.channel import Seen
from bot.testing.clock import SettableClock
from channels.memory import EVERYTHING, Memory, Post

CAN = replace(EVERYTHING, stream="edit", typing_every=timedelta(seconds=5))
GROUP = replace(CAN, shared=True, can=CAN.can | {"private_note"})
PLAIN = Capabilities(
    text=Limit(200, "utf16"), marks=frozenset(), parts=frozenset((Text,)), buttons=None, resend="blind"
)


@asynccontextmanager
async def everything() -> AsyncIterator[MemoryHarness]:
    yield MemoryHarness(CAN)


@asynccontextmanager
async def plain() -> AsyncIterator[MemoryHarness]:
    yield MemoryHarness(PLAIN)


@asynccontextmanager
async def group() -> AsyncIterator[MemoryHarness]:
    yield MemoryGroup(GROUP)


class MemoryHarness:
    """Implements `SendingHarness`. What is not acknowledged is brought again with the next moment."""

    threads = True
    secrets = ("no secret at all",)
    unreadable: Mapping[str, bytes] = {
        "unknown kind": b'{"key":"k","chat":"ana","body":{"kind":"danced"}}',
        "missing field": b'{"key":"k","body":{"kind":"opened"}}',
        "wrong type": b'{"key":1,"chat":["ana"],"body":{"kind":"opened"}}',
        "huge": b'{"key":"' + b"k" * 2_000_000,
        "deep": b'{"key":"k","chat":' + b"[" * 100_000,
        "no text": b"\xff\x00",
    }
    file = Media("image", "f-1", "shoe.jpg", "image/jpeg", alt="a shoe")
    refusals: Mapping[str, NotSent] = {
        "blocked": Forbidden("the person blocked us", scope="address"),
        "signed out": Forbidden("the token is void", scope="account"),
        "refused": Unshowable("too long"),
        "too fast": TryLater("slow down", after=timedelta(seconds=3)),
        "gone": Unreachable("no answer"),
    }

    def __init__(self, can: Capabilities = CAN, make: type[Memory] = Memory) -> None:
        self.clock, self._can, self._make = SettableClock(), can, make
        self._memory = make(self.clock, can=can)
        self._posts = list[bytes]()
        self._owed = list[bytes]()
        self._lose = False

    async def open(self, receive: Receive) -> Channel:
        """What is on the screen stays there."""
        self._memory = self._make(self.clock, can=self._can, sent=self._memory.sent)
        return self._memory

    async def listening(self) -> None:
        await asyncio.sleep(0)

    async def say(self, words: str, *, thread: bool = False) -> None:
        await self._post(Said(text(words)), thread=thread)

    async def press(self, label: str, *, thread: bool = False) -> None:
        shown = [sent for sent in self._memory.sent if sent.to.thread == _thread(thread)]
        token = next(each.token for sent in reversed(shown) for each in sent.options if each.label == label)
        await self._post(Pressed(token, label), thread=thread)

    async def again(self) -> None:
        await asyncio.gather(self._bring(self._posts[-1]), self._bring(self._posts[-1]))

    async def lose(self) -> None:
        self._lose = True

    async def echo(self) -> None:
        await self._post(Said(text("it is me")), by="us", bot=True)
        await self._post(Said(text("beep")), by="another", bot=True)

    async def bring(self, raw: bytes) -> None:
        self._posts.append(raw)
        await self._bring(raw)

    def owed(self) -> int:
        return len(self._owed)

    async def a_moment(self) -> None:
        await self.clock.advance(1)
        owed, self._owed = self._owed, []
        for raw in owed:
            await self._bring(raw)

    async def refuse(self, name: str) -> None:
        self._memory.faults.append(self.refusals[name])

    async def unanswered(self) -> None:
        self._memory.faults.append(Unreachable("no answer"))
        self._memory.lost_receipts = 1

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        draft = self._memory.drafts.get(self._memory.address("ana", _thread(thread)))
        shown = [
            Seen(
                sent.text,
                tuple(option.label for option in sent.options),
                sum(isinstance(part, Media) for part in sent.message.parts),
                next((each.text for each in self._memory.sent if each.key == sent.reply_to), ""),
            )
            for sent in self._memory.sent
            if sent.to.thread == _thread(thread)
        ]
        return [*shown, *([Seen(draft.text)] if draft else [])]

    def typing(self, *, thread: bool = False) -> bool:
        return any(to.thread == _thread(thread) for to in self._memory.typed)

    async def _post(self, body: Incoming, *, thread: bool = False, by: str = "", bot: bool = False) -> None:
        key = f"m{len(self._posts)}"
        post = Post(key=key, chat="ana", body=body, thread=_thread(thread), by=by, bot=bot)
        await self.bring(msgspec.json.encode(post))

    async def _bring(self, raw: bytes) -> None:
        if self._lose:
            self._lose = False
            self._owed.append(raw)
            return
        try:
            await self._memory.bring(raw)
        except StoreDown:
            self._owed.append(raw)


class MemoryGroup(MemoryHarness):
    """Implements `GroupHarness`: others are there, too."""

    async def say_in_group(self, words: str) -> None:
        await self.say(words)

    def seen_in_group(self, *, by_others: bool) -> Sequence[Seen]:
        return [Seen(words) for words in self._memory.seen("ana", by="ben" if by_others else "ana")]


def _thread(thread: bool) -> str:
    return "topic" if thread else ""
