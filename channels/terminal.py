"""One person at a terminal, or a script at a pipe: lines in, text out. What is printed cannot steer the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TextIO

from rich.console import Console
from rich.text import Text as Shown

from bot.errors import StoreDown
from bot.fit import options_of, plain
from bot.model import (
    Address,
    Author,
    Card,
    Carousel,
    Choices,
    Incoming,
    Message,
    Notice,
    Option,
    Pressed,
    Rating,
    Said,
    Sources,
    Text,
    text,
)
from bot.ports import Arrival, Capabilities, Clock, Limit, Random, Receipt, Receive
from bot.ports import Shown as Draft

CAN = Capabilities(
    text=Limit(100_000),
    marks=frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")),
    parts=frozenset((Text, Choices, Card, Sources, Notice)),
    buttons=None,
    resend="safe",
)
_STYLES = {"bold": "bold", "italic": "italic", "strike": "strike", "code": "cyan", "fence": "cyan", "heading": "bold"}
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Terminal:
    """Implements `Channel` and `Sending` for a single chat.

    `idle` returns when everything said so far has been answered: only then is the next line read, so a piped script
    reads like a conversation.
    """

    name = "terminal"
    account = "terminal"

    def __init__(
        self,
        *,
        clock: Clock,
        random: Random,
        idle: Callable[[Address], Awaitable[None]],
        source: TextIO = sys.stdin,
        console: Console | None = None,
        language: str = "",
    ) -> None:
        self._clock, self._random, self._idle = clock, random, idle
        self._source, self._console, self._language = source, console or Console(highlight=False), language
        self._chat = Address("terminal", self.account, random.id())
        self._options: tuple[Option, ...] = ()
        self._last_key = ""

    def capabilities(self, to: Address) -> Capabilities:
        return CAN

    async def run(self, receive: Receive) -> None:
        """Until the end of input or Ctrl-C; returns at once then."""
        lines = _lines(self._source)
        while True:
            if self._source.isatty():
                self._console.print("you: ", end="", style="bold")
            line = await lines.get()
            if line is None:
                return
            if line.strip():
                await self._take(line.strip(), receive)

    async def _take(self, line: str, receive: Receive) -> None:
        arrival, options = self._arrival(line), self._options
        self._options = ()  # a number typed after the next question is an answer to that
        try:
            await receive(arrival)
        except StoreDown as down:
            self._options = options
            self._console.print(Shown(inert(f"not taken in, say it again: {down}"), style="red"))
            return
        await self._idle(self._chat)

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Draft | None = None,
        reply_to: str = "",
    ) -> Receipt:
        if not (again and key == self._last_key):  # it stands there already
            self.show(message, Author("bot"))
        self._last_key = key
        return Receipt((key,), self._clock.now())

    def greet(self, message: Message) -> None:
        """What stands above the first line; it is not part of the log."""
        self.show(message, Author("bot"))

    def show(self, message: Message, by: Author) -> None:
        """Options are numbered through the message: a number means one of them."""
        first = 1
        for part in message.parts:
            match part:
                case Text(spans):
                    line = Shown()
                    line.append(f"{by.kind}: ", style="bold magenta")
                    for span in spans:
                        line.append(inert(span.text), style=" ".join(_STYLES.get(mark, "") for mark in span.marks))
                        if span.link and span.link != span.text:
                            line.append(f" ({inert(span.link)})", style="dim")
                    self._console.print(line)
                case Choices() | Card() | Carousel() | Rating():
                    self._console.print(
                        Shown(inert(plain(part, first)), style="" if isinstance(part, Card) else "magenta")
                    )
                case _:
                    self._console.print(Shown(inert(plain(part)), style="dim"))
            first += len(options_of(part))
        self._options = tuple(option for part in message.parts for option in options_of(part)) or self._options

    def _arrival(self, line: str) -> Arrival:
        return Arrival(
            account=self.account,
            key=self._random.id(),
            raw=line.encode(errors="surrogatepass"),
            to=self._chat,
            by="you",
            at=self._clock.now(),
            bodies=(self._body(line),),
            language=self._language,
        )

    def _body(self, line: str) -> Incoming:
        """A number or a label chooses among the options shown last; all else is said."""
        for number, option in enumerate(self._options, start=1):
            if line == str(number) or line.casefold() == option.label.strip().casefold():
                return Pressed(option.token, option.label)
        return Said(text(line))


def inert(characters: str) -> str:
    """Without control characters, escape sequences and direction overrides."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", characters)


def _lines(source: TextIO) -> asyncio.Queue[str | None]:
    """Read in a thread that dies with the program, so that Ctrl-C does not wait for a line. None: end of input."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    if isinstance(source, io.TextIOWrapper):
        source.reconfigure(errors="replace")

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            try:
                for line in source:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
            except (OSError, ValueError):  # the terminal is gone, or the file was closed
                pass
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="terminal").start()
    return lines
