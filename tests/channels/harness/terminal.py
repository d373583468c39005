"""The terminal before the contract suite: a pipe for the keyboard, a text for the screen."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console

from bot.errors import NotSent
from bot.model import Address, Author, Media, Message
from bot.ports import Channel, Receive
from bot.testing.chance import SeededRandom
from bot.testing.channel import STUCK, Seen
from bot.testing.clock import SettableClock
from channels.terminal import Terminal

REFUSED = "not taken in, say it again"


@asynccontextmanager
async def terminal() -> AsyncIterator[TerminalHarness]:
    harness = TerminalHarness()
    yield harness
    harness.hang_up()


class Screen(Terminal):
    """Notes where one message ends and the next begins."""

    shown: list[str]

    def show(self, message: Message, by: Author) -> None:
        screen = self._console.file
        assert isinstance(screen, io.StringIO)
        before = len(screen.getvalue())
        super().show(message, by)
        self.shown.append(screen.getvalue()[before:].removeprefix(f"{by.kind}: ").removesuffix("\n"))


@dataclass
class TerminalHarness:
    """Implements `TypedHarness`: whoever was told that a line was not taken in types it again with the next moment."""

    clock: SettableClock = field(default_factory=SettableClock)
    random: SeededRandom = field(default_factory=lambda: SeededRandom(1))
    typed: list[str] = field(default_factory=list)
    threads = False
    secrets: tuple[str, ...] = ()
    unreadable: Mapping[str, bytes] = field(default_factory=dict)
    refusals: Mapping[str, NotSent] = field(default_factory=dict)
    file = Media("file", "")
    _screen: io.StringIO = field(default_factory=io.StringIO)
    _shown: list[str] = field(default_factory=list)
    _keyboard: TextIO | None = None
    _source: TextIO | None = None
    _taken: int = 0
    """Lines that went to the inbox."""
    _answered: int = 0
    """Refusals that were answered by typing the line again."""

    async def open(self, receive: Receive) -> Channel:
        self.hang_up()
        reading, writing = os.pipe()
        self._keyboard = os.fdopen(writing, "w", encoding="utf-8")
        console = Console(file=self._screen, width=10_000, no_color=True, highlight=False)
        self._source = os.fdopen(reading, encoding="utf-8")
        made = Screen(clock=self.clock, random=self.random, idle=self._idle, source=self._source, console=console)
        made.shown = self._shown
        return made

    async def listening(self) -> None:
        await asyncio.sleep(0)

    async def say(self, words: str, *, thread: bool = False) -> None:
        assert self._keyboard is not None
        self.typed.append(words)
        self._keyboard.write(f"{words}\n")
        self._keyboard.flush()

    async def press(self, label: str, *, thread: bool = False) -> None:
        await self.say(label)

    async def again(self) -> None:
        """A line that was typed does not come once more."""

    async def lose(self) -> None:
        """Nor is any lost."""

    async def echo(self) -> None:
        """What is printed is not typed."""

    async def bring(self, raw: bytes) -> None:
        raise AssertionError("there is nothing but lines")

    def owed(self) -> int:
        return len(self.typed) - self._taken

    async def a_moment(self) -> None:
        await asyncio.sleep(0.01)
        if self._screen.getvalue().count(REFUSED) > self._answered:
            self._answered += 1
            await self.say(self.typed.pop())

    async def refuse(self, name: str) -> None:
        raise AssertionError("a terminal refuses nothing")

    async def unanswered(self) -> None:
        """There is no answer that could get lost."""

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        return list(map(Seen, self._shown))

    def typing(self, *, thread: bool = False) -> bool:
        return False

    def hang_up(self) -> None:
        """The end of input; whoever reads it ends with it."""
        if self._keyboard is not None and self._source is not None:
            self._keyboard.close()
            for thread in threading.enumerate():
                if thread.name == "terminal":
                    thread.join(STUCK)
            self._source.close()

    async def _idle(self, to: Address) -> None:
        self._taken += 1
