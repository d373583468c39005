"""`frontdesk chat`: the bot in the terminal, on a store in memory."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console as Screen
from rich.text import Text as Shown

from bot.flow import say
from bot.flow.read import read
from bot.model import (
    Acted,
    Acting,
    Address,
    Applied,
    Asked,
    Controlled,
    Did,
    Entered,
    Event,
    Filled,
    Popped,
    Pushed,
    Refused,
    Turned,
)
from bot.ports import Happened, News
from bot.store import open_store
from bot.units import Deliveries, Find
from channels.terminal import Terminal, inert
from config.logs import set_up_logs
from config.machine import SystemClock, SystemRandom
from config.packs import refuse_ungranted
from config.settings import read_settings
from config.wiring import Parts, running


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

    terminal = Terminal(clock=clock, random=random, idle=idle, console=screen, language=language)
    store = open_store("sqlite://", clock)
    async with running(
        settings, file, book, store=store, clock=clock, random=random, senders=[terminal], slash=True
    ) as parts:
        started.set_result(parts)
        if inspect:
            parts.bus.listen(None, lambda news: _show(screen, news))
        if sys.stdin.isatty():
            screen.print(Shown("Ctrl-D ends. Slash commands work: /restart, /human, /set slot=value", style="dim"))
        terminal.greet(say.greeting(book, language or book.assistant.language))
        await terminal.run(parts.inbox)


async def _is_answered(parts: Parts, address: Address) -> bool:
    found = await parts.store.read(Find(address=address))
    if found is None or found.conversation.input_seq > found.conversation.heard:
        return False
    lines = await parts.store.read(Deliveries(found.conversation.id))
    return all(state not in ("waiting", "sending") for _, _, state, _ in lines)


def _show(screen: Screen, news: News) -> None:
    if isinstance(news, Happened):
        for event in news.events:
            for line in _lines(event):
                screen.print(Shown(inert(f"    {event.seq:>4}  {line}"), style="dim"))


def _lines(event: Event) -> list[str]:
    """What the inspector says of one event."""
    match event.body:
        case Turned(responder, moves, declined):
            lines = [f"{name} declined: {why}" for name, why in declined]
            return [*lines, f"{responder} takes it", *filter(None, map(_line, moves))]
        case Acting(_, action, args):
            return [f"runs {action} {args}"]
        case Acted(_, result, error):
            return [f"failed: {error}" if error else f"gave {result}"]
        case Controlled(control, was, _, why):
            return [f"control {was} → {control.state} ({why}), epoch {control.epoch}"]
        case _:
            return []


def _line(move: object) -> str:
    match move:
        case Applied(command, source):
            return f"{source}: {command}"
        case Refused(command, source, why):
            return f"{source}: {command} refused: {why}"
        case Pushed(frame):
            return f"flow {frame.flow} begins"
        case Popped(_, outcome):
            return f"flow ends: {outcome}"
        case Entered(_, step, reads):
            return f"step {step}" + (f" reads {', '.join(reads)}" if reads else "")
        case Filled(slot, value):
            return f"{slot} = {value!r}"
        case Asked(_, slot, tries) if slot:
            return f"asks {slot}" + (f", try {tries + 1}" if tries else "")
        case Did(_, _, action, effect, ok):
            return f"action {action} ({effect}) {'done' if ok else 'failed'}"
        case _:
            return ""
