"""The one place where parts meet."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial

import structlog

from bot.bus.memory import MemoryBus
from bot.desk import Desk
from bot.engine import Engine, EngineSettings
from bot.flow.book import Book
from bot.flow.describe import candidates, standing, stretch
from bot.flow.hours import ALWAYS, Hours
from bot.flow.interpreter.advance import begin
from bot.flow.say import SHOWS, notice
from bot.inbox import Inbox
from bot.knowledge import index
from bot.knowledge.search import Search
from bot.model import Facts, Json, Message, Part, Turn
from bot.outbox import Outbox, OutboxSettings
from bot.ports import Bus, Capabilities, Channel, Clock, Knowledge, LanguageModel, Random, Responder, Store
from bot.responders.at_desk import AtDesk
from bot.responders.fallback import Fallback
from bot.responders.free_form import FreeForm
from bot.responders.in_flow import InFlow
from bot.shelf import Edition, Shelf
from bot.timers import Timers
from bot.tools import Tools
from bot.turn import Director
from config.settings import DeskFile, Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that runs, put together."""

    settings: Settings
    file: DeskFile
    shelf: Shelf
    clock: Clock
    random: Random
    store: Store
    bus: Bus
    engine: Engine
    inbox: Inbox
    outbox: Outbox
    timers: Timers
    desk: Desk
    stop: Callable[[], Awaitable[None]]
    """Begin nothing; running turns and sends in the air may end. What is still accepted waits for the next start."""

    @property
    def book(self) -> Book:
        """The flows that are in force now."""
        return self.shelf.book


@asynccontextmanager
async def model_of(settings: Settings, file: DeskFile, clock: Clock) -> AsyncIterator[LanguageModel]:
    """OpenAI, or a server that speaks as it does, when there is a key or an address; else quotes from documents."""
    key, address = settings.openai_api_key.get_secret_value(), settings.openai_base_url
    if not (key or address):
        from bot.llm.extractive import ExtractiveModel

        yield ExtractiveModel()
        return
    from bot.llm.guard import Guarded
    from bot.llm.openai import OpenAIModel, OpenAISettings

    wanted = OpenAISettings(
        model=file.model.name, api_key=key or "none", base_url=address or None, tokens=file.model.tokens
    )
    model = OpenAIModel(wanted, clock)
    try:
        yield Guarded(model, clock)
    finally:
        await model.close()


@asynccontextmanager
async def running(
    settings: Settings,
    file: DeskFile,
    book: Book,
    *,
    store: Store,
    clock: Clock,
    random: Random,
    senders: Sequence[Channel] = (),
    model: LanguageModel | None = None,
    slash: bool = False,
    lease: timedelta = timedelta(seconds=15),
    send_lease: timedelta = timedelta(seconds=60),
    deadline: timedelta = timedelta(seconds=120),
) -> AsyncIterator[Parts]:
    """The core at work on an open store; on leaving it stops gracefully, and closes the store.

    `lease`: how long a conversation stays with a process that is no longer heard of; `send_lease`: how long a message
    that it was sending does. `deadline`: how long one attempt at a turn may take.
    """
    bus, channels = MemoryBus(), {channel.name: channel for channel in senders}
    delivers = frozenset(channels)
    worker = f"{os.getpid()}.{random.id()[-8:]}"
    await index.index(file.flows / "knowledge", store, clock, language=book.assistant.language)

    def notices(key: str, language: str, args: Mapping[str, str], /) -> Message:
        return notice(shelf.book, key, language, args)

    stack = contextlib.AsyncExitStack()
    if model is None:
        model = await stack.enter_async_context(model_of(settings, file, clock))

    def edited(book: Book) -> Edition:
        knowledge, facts = (
            Search(store, book.assistant.languages),
            partial(facts_of, hours=book.assistant.hours, channels=channels),
        )
        free_form = free_form_of(file, book, model, knowledge=knowledge, clock=clock, facts_of=facts)
        responders = responders_of(book, free_form, slash=slash or file.slash, facts_of=facts)
        return Edition(book, responders, facts, leader=free_form)

    shelf = Shelf(book, edited, store=store, clock=clock)
    for name in await shelf.publish(book):
        log.warning(
            "flow.same_number", flow=name, why="its steps changed and its version did not: give it the next one"
        )
    director = Director(shelf=shelf, store=store, bus=bus, clock=clock, random=random)
    outbox = Outbox(
        senders,
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        settings=OutboxSettings(worker=worker, lease=send_lease, patience=send_lease / 2),
    )
    timers = Timers(store=store, bus=bus, clock=clock)
    engine = Engine(
        director=director,
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        notices=notices,
        delivers=delivers,
        settings=EngineSettings(
            worker=worker,
            quiet=timedelta(milliseconds=file.quiet_ms),
            lease=lease,
            margin=lease * 2 / 15,
            renew_every=lease / 3,
            sweep_every=min(timedelta(seconds=1), lease / 4),
            deadline=deadline,
        ),
        armed=timers.armed,
    )
    inbox = Inbox(store=store, bus=bus, clock=clock, random=random, engine=engine, initial=begin(book))
    desk = Desk(
        store,
        bus,
        clock,
        notices,
        delivers=delivers,
        wake=engine.wake,
        drafted=engine.drafted,
        steps_of=shelf.steps_of,
    )
    ringing = asyncio.create_task(timers.run(engine))
    tasks = [ringing, *(asyncio.create_task(part.run()) for part in (engine, inbox, outbox))]

    async def stop() -> None:
        ringing.cancel()
        await engine.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    parts = Parts(
        settings=settings,
        file=file,
        shelf=shelf,
        clock=clock,
        random=random,
        store=store,
        bus=bus,
        engine=engine,
        inbox=inbox,
        outbox=outbox,
        timers=timers,
        desk=desk,
        stop=stop,
    )
    try:
        yield parts
    finally:
        await stop()
        await stack.aclose()
        await store.close()


def free_form_of(
    file: DeskFile,
    book: Book,
    model: LanguageModel,
    *,
    knowledge: Knowledge,
    clock: Clock,
    facts_of: Callable[[Turn], Facts],
) -> FreeForm:
    return FreeForm(
        model,
        knowledge,
        instructions="\n".join(filter(None, (book.assistant.instructions, file.model.instructions))),
        candidates_of=lambda turn: candidates(book, turn.state, facts_of(turn)),
        describe=lambda turn: standing(book, turn.state, facts_of(turn)),
        stretch_of=lambda turn: stretch(book, turn.state, facts_of(turn)),
        call=Tools(book, clock).call,
    )


def responders_of(
    book: Book, free_form: Responder, *, slash: bool, facts_of: Callable[[Turn], Facts]
) -> tuple[Responder, ...]:
    """In the order in which they are asked; the last never declines."""
    return (
        AtDesk(book, facts_of),
        InFlow(book, facts_of, slash=slash),
        free_form,
        Fallback(book, facts_of),
    )


def facts_of(turn: Turn, hours: Hours = ALWAYS, channels: Mapping[str, Channel] = {}) -> Facts:
    """What conditions and texts may read beside slots, and what the channel can show."""
    channel = channels.get(turn.conversation.address.channel)
    can = channel.capabilities(turn.conversation.address) if channel else None
    return {
        SHOWS: _shown_by(can) if can else [],
        "customer": {"id": str(turn.conversation.contact), "verified": False, "language": turn.conversation.language},
        "language": turn.conversation.language,
        "channel": turn.conversation.address.channel,
        "now": hours.local(turn.now).isoformat(),
        "hours": hours.at(turn.now),
    }


@lru_cache(maxsize=100)
def _tags(parts: frozenset[type[Part]]) -> tuple[str, ...]:
    return tuple(sorted(str(part.__struct_config__.tag) for part in parts))


def _shown_by(can: Capabilities) -> list[Json]:
    return [*_tags(can.parts), *(("form",) if can.form != "ask" else ())]
