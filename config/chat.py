"""`frontdesk chat`: the bot in the terminal, on a store in memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console as Screen
from rich.text import Text as Shown

from bot.files import FolderFiles
from bot.flow import say
from bot.flow.read import read
from bot.model import Address
from bot.store import open_store
from bot.units import Deliveries, Find
from channels.terminal import Terminal
from config.logs import set_up_logs
from config.machine import SystemClock, SystemRandom
from config.packs import refuse_ungranted
from config.panes import Lines, Panes
from config.settings import read_settings
from config.wiring import Parts, running

NARROW = 100
"""Columns from which on panes have room."""


async def chat(*, inspect: bool, language: str) -> None:
    settings = read_settings()
    file = settings.desk_file()
    book = read(file.flows)
    refuse_ungranted(book, file, os.environ)
    set_up_logs(screen=True)
    clock, random, screen = SystemClock(), SystemRandom(), Screen(highlight=False)
    started: asyncio.Future[Parts] = asyncio.get_running_loop().create_future()

    async def idle(address: Address) -> None:
        parts = await started
        while not await _is_answered(parts, address):
            await clock.sleep(0.02)

    panes = Panes(screen) if screen.is_terminal and sys.stdin.isatty() and screen.width >= NARROW else Lines(screen)
    console = panes.console if inspect else screen
    terminal = Terminal(clock=clock, random=random, idle=idle, console=console, language=language)
    store = open_store("sqlite://", clock)
    async with contextlib.AsyncExitStack() as stack:
        files = FolderFiles(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontdesk-chat-"))))
        desk = running(
            settings, file, book, store=store, clock=clock, random=random, senders=[terminal], files=files, slash=True
        )
        parts = await stack.enter_async_context(desk)
        started.set_result(parts)
        if inspect:
            parts.bus.listen(None, panes.happened)
        if sys.stdin.isatty():
            console.print(Shown("Ctrl-D ends. Slash commands work: /restart, /human, /set slot=value", style="dim"))
        terminal.greet(say.greeting(book, language or book.assistant.language))
        with panes.shown() if inspect else contextlib.nullcontext():
            await terminal.run(parts.inbox)


async def _is_answered(parts: Parts, address: Address) -> bool:
    found = await parts.store.read(Find(address=address))
    if found is None or found.conversation.input_seq > found.conversation.heard:
        return False
    lines = await parts.store.read(Deliveries(found.conversation.id))
    return all(state not in ("waiting", "sending") for _, _, state, _ in lines)
