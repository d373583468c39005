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
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from bot.bus.memory import MemoryBus
from bot.connections import Connections, ConnectionSettings
from bot.desk import Desk, Notices, author
from bot.engine import Engine, EngineSettings
from bot.errors import FileGone, SettingsError
from bot.fetcher import Fetcher
from bot.files import FolderFiles, pieces_of
from bot.flow import forms
from bot.flow.book import Book
from bot.flow.describe import candidates, standing, stretch
from bot.flow.hours import ALWAYS, Hours
from bot.flow.interpreter.advance import begin
from bot.flow.own_files import MOST_FILE
from bot.flow.read import SHIPPED, read, shipped_texts
from bot.flow.say import SHOWS, notice
from bot.flow.texts import Texts
from bot.inbox import Inbox, Now
from bot.knowledge import index
from bot.knowledge.search import Search
from bot.live import Live
from bot.model import Address, Author, Conversation, Facts, Incoming, Json, Message, Part, State, Turn
from bot.outbox import Outbox, OutboxSettings
from bot.pace import Pacer
from bot.people import Codes, Zones
from bot.ports import (
    BuildChannel,
    Bus,
    Capabilities,
    Channel,
    Clock,
    FileStore,
    Knowledge,
    LanguageModel,
    Random,
    Responder,
    Sending,
    Store,
)
from bot.responders.at_desk import AtDesk
from bot.responders.fallback import Fallback
from bot.responders.free_form import FreeForm
from bot.responders.in_flow import InFlow
from bot.responders.linking import Linking
from bot.shelf import Edition, Shelf, shelf_prefix
from bot.staff import Say, StaffRoom, StaffSettings
from bot.timers import Timers
from bot.tools import Tools
from bot.turn import Director
from bot.units import FindAgent
from bot.vault import StoredVault
from channels import channel_module
from config.doors import Account
from config.packs import refuse_ungranted
from config.settings import DeskFile, Settings, StaffSection

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
    files: FileStore
    fetcher: Fetcher
    engine: Engine
    inbox: Inbox
    outbox: Outbox
    timers: Timers
    desk: Desk
    connections: Connections
    shelves: Mapping[Path, Shelf]
    """By their folders, the desk's own among them."""
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
    accounts: Sequence[Account] = (),
    files: FileStore | None = None,
    model: LanguageModel | None = None,
    slash: bool = False,
    lease: timedelta = timedelta(seconds=15),
    send_lease: timedelta = timedelta(seconds=60),
    deadline: timedelta = timedelta(seconds=120),
    ready: asyncio.Event | None = None,
) -> AsyncIterator[Parts]:
    """The core at work on an open store; on leaving it stops gracefully, and closes the store.

    `lease`: how long a conversation stays with a process that is no longer heard of; `send_lease`: how long a message
    that it was sending does. `deadline`: how long one attempt at a turn may take. `senders` are connected by the
    caller, `accounts` here, once it is `ready`; each begins with its own flows, where it names some.
    `files`: where they are kept; None: in the data folder.
    """
    bus, worker = MemoryBus(), f"{os.getpid()}.{random.id()[-8:]}"
    secret = settings.secret() if accounts else b""
    kept = files or FolderFiles(settings.files)
    built = [built_of(each, secret, store=store, clock=clock, random=random, files=kept) for each in accounts]
    channels = (*senders, *built)
    delivers = frozenset(channel.name for channel in channels if isinstance(channel, Sending))
    by_name = {channel.name: channel for channel in channels}

    def notices_at(address: Address) -> Notices:
        return partial(_notice, shelf_at(address))

    stack = contextlib.AsyncExitStack()
    if model is None:
        model = await stack.enter_async_context(model_of(settings, file, clock))

    codes = Codes(store, clock, random)

    def edited(book: Book, within: str | None) -> Edition:
        knowledge = Search(store, book.assistant.languages, within)
        facts = partial(facts_of, hours=book.assistant.hours, channels=by_name)
        free_form = free_form_of(file, book, model, knowledge=knowledge, clock=clock, facts_of=facts)
        responders = responders_of(book, free_form, slash=slash or file.slash, facts_of=facts, codes=codes)
        return Edition(book, responders, facts, leader=free_form)

    shelves: dict[Path, Shelf] = {}
    for folder, each in _books(file, book, accounts).items():
        within = _within(folder, file, settings, accounts)
        shelf = Shelf(each, partial(edited, within=within), store=store, clock=clock, within=within)
        shelves[folder] = shelf
        await keep_files(each, folder, kept)
        await _publish(shelf, each, folder, store, clock)
    shelf = shelves[file.flows]
    teams = {(each.channel, each.name): each.team for each in accounts}
    of_accounts = {(each.channel, each.name): shelves[each.flows] for each in accounts}

    def shelf_at(address: Address) -> Shelf:
        return of_accounts.get((address.channel, address.account), shelf)

    by_place = {(channel.name, channel.account): channel for channel in channels}

    def can_at(address: Address) -> Capabilities | None:
        channel = by_place.get((address.channel, address.account))
        return channel.capabilities(address) if channel else None

    def tell(conversation: Conversation, state: State, body: Incoming, /) -> Now | None:
        """On the web the turn answers soon enough."""
        channel = by_place.get((conversation.address.channel, conversation.address.account))
        if channel is None:
            return None
        book, control = shelf_at(conversation.address).book, conversation.control
        seen = Turn(conversation=conversation, state=state, inputs=(), attempt=1, now=clock.now())
        modal = channel.capabilities(conversation.address).form == "modal"
        return forms.now(book, state, facts_of(seen, book.assistant.hours), control.epoch, body, modal=modal)

    zones = Zones(store)

    async def zone_of(now: Conversation) -> str:
        """Browsers tell it; of other channels those that say so."""
        can = can_at(now.address)
        return await zones.of(now.contact, now.address.channel) if can is None or "zone" in can.can else ""

    def queue_of(address: Address, queue: str) -> str:
        """An account's team stands in for the queue that is asked when nobody says which."""
        team = teams.get((address.channel, address.account), "")
        return team if team and queue in ("", shelf_at(address).book.assistant.queue) else queue

    director = Director(
        shelf=shelf, store=store, bus=bus, clock=clock, random=random, shelves=of_accounts, zone_of=zone_of
    )
    pacer = Pacer(clock)
    live = Live(channels, store=store, clock=clock, pacer=pacer)
    outbox = Outbox(
        channels,
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        settings=OutboxSettings(worker=worker, lease=send_lease, patience=send_lease / 2),
        pacer=pacer,
        live=live,
    )
    timers = Timers(store=store, bus=bus, clock=clock)
    engine = Engine(
        director=director,
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        notices_at=notices_at,
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
        queue_of=queue_of,
        live=live,
    )
    inbox = Inbox(
        store=store,
        bus=bus,
        clock=clock,
        random=random,
        engine=engine,
        initial=begin(book),
        initials={place: begin(of.book) for place, of in of_accounts.items()},
        tell=tell if delivers else None,
        zones=zones,
        agent_of=partial(_agent_of, _people(file, accounts), store),
    )
    desk = Desk(
        store,
        bus,
        clock,
        notices_at,
        delivers=delivers,
        wake=engine.wake,
        drafted=engine.drafted,
        steps_of=lambda address, state: shelf_at(address).steps_of(state),
        can_at=can_at,
    )
    connections = Connections(
        with_rooms(
            built,
            file.staff,
            secret,
            store=store,
            bus=bus,
            desk=desk,
            clock=clock,
            random=random,
            say_in=partial(_say_in, shelf),
        ),
        receive=inbox,
        store=store,
        clock=clock,
        random=random,
        settings=ConnectionSettings(worker=worker, single=not settings.on_sqlite),
    )
    ringing = asyncio.create_task(timers.run(engine))
    connected = asyncio.create_task(_connected(connections, ready))
    tasks = [ringing, connected, *(asyncio.create_task(part.run()) for part in (engine, inbox, outbox))]

    async def stop() -> None:
        ringing.cancel()
        connected.cancel()
        await asyncio.wait((connected,))  # nothing more is taken in that would not be answered here
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
        files=kept,
        fetcher=Fetcher(channels, kept, clock),
        engine=engine,
        inbox=inbox,
        outbox=outbox,
        timers=timers,
        desk=desk,
        connections=connections,
        shelves=shelves,
        stop=stop,
    )
    try:
        yield parts
    finally:
        await stop()
        await stack.aclose()
        await store.close()


async def _connected(connections: Connections, ready: asyncio.Event | None) -> None:
    if ready is not None:
        await ready.wait()
    await connections.run()


def built_of(
    account: Account, secret: bytes, *, store: Store, clock: Clock, random: Random, files: FileStore
) -> Channel:
    """Raises `SettingsError` that names the account."""
    vault = StoredVault(account.name, secret, store=store, clock=clock, random=random)
    build: BuildChannel = channel_module(account.channel).build
    try:
        return build(account.name, account.settings, clock=clock, random=random, vault=vault, files=files)
    except SettingsError as error:
        raise SettingsError(f"accounts.{account.name}: {error}") from error


def with_rooms(
    built: Sequence[Channel],
    rooms: Sequence[StaffSection],
    secret: bytes,
    *,
    store: Store,
    bus: Bus,
    desk: Desk,
    clock: Clock,
    random: Random,
    say_in: Callable[[str], Say],
) -> Sequence[Channel]:
    """The channels, those that hold staff rooms within them. Raises `SettingsError` that names the account."""
    channels = {channel.account: channel for channel in built}
    for room in rooms:
        if (channel := channels.get(room.account)) is None:
            raise SettingsError(f"staff: there is no account {room.account!r} among {', '.join(channels) or 'none'}")
        if isinstance(channel, StaffRoom):
            raise SettingsError(f"staff: account {room.account!r} has two rooms; one account holds one")
        vault = StoredVault(f"{room.account}//staff/{room.chat}", secret, store=store, clock=clock, random=random)
        settings = StaffSettings(chat=room.chat, people=room.people, alerts_only=room.alerts_only)
        try:
            channels[room.account] = StaffRoom(
                channel,
                settings,
                store=store,
                bus=bus,
                desk=desk,
                clock=clock,
                random=random,
                vault=vault,
                say=say_in(room.language),
            )
        except SettingsError as error:
            raise SettingsError(f"staff: {error}") from error
    return tuple(channels.values())


def _people(file: DeskFile, accounts: Sequence[Account]) -> dict[tuple[str, str], str]:
    """The e-mail addresses of agents, by channel and the platform's id of them."""
    channels = {account.name: account.channel for account in accounts}
    return {
        (channels[room.account], external): email
        for room in file.staff
        if room.account in channels
        for external, email in room.people.items()
    }


async def _agent_of(people: Mapping[tuple[str, str], str], store: Store, channel: str, external: str) -> Author | None:
    email = people.get((channel, external))
    agent = await store.read(FindAgent(email=email)) if email else None
    return author(agent) if agent and not agent.disabled else None


def _books(file: DeskFile, book: Book, accounts: Sequence[Account]) -> dict[Path, Book]:
    """The desk's own first. Raises what reading does, and `SettingsError` for what is not granted."""
    books = {file.flows: book}
    for folder in dict.fromkeys(account.flows for account in accounts):
        if folder not in books:
            books[folder] = read(folder)
            refuse_ungranted(books[folder], file.model_copy(update={"flows": folder}), os.environ)
    return books


def _within(folder: Path, file: DeskFile, settings: Settings, accounts: Sequence[Account]) -> str | None:
    """What a folder's flows and documents are called by in the store; None: it is the only one."""
    if folder != file.flows:
        return shelf_prefix(Path(os.path.relpath(folder, settings.config.parent)).as_posix())
    return None if all(account.flows == folder for account in accounts) else ""


async def keep_files(book: Book, folder: Path, files: FileStore) -> None:
    """What its flows show, before it is in force.

    Raises `StoreDown`, and `SettingsError` for what changed since it was read.
    """
    for file in book.files:
        try:
            await files.look(file.ref)
        except FileGone:
            kept = await files.keep(_read(folder / file.path), most=MOST_FILE, name=file.name)
            if kept.ref != file.ref:
                raise SettingsError(f"{folder / file.path} changed while it was read: try again") from None


async def _read(path: Path) -> AsyncIterator[bytes]:
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read any more ({error}): try again") from error
    async for piece in pieces_of(content):
        yield piece


async def _publish(shelf: Shelf, book: Book, folder: Path, store: Store, clock: Clock) -> None:
    await index.index(folder / "knowledge", store, clock, language=book.assistant.language, within=shelf.within)
    for name in await shelf.publish(book):
        log.warning(
            "flow.same_number", flow=name, why="its steps changed and its version did not: give it the next one"
        )


def _say_in(shelf: Shelf, language: str) -> Say:
    """Raises `SettingsError` for a language without texts."""
    known = sorted({*SHIPPED, *shelf.book.assistant.languages})
    if language and language not in known:
        raise SettingsError(f"there are no texts in {language!r}, but in {', '.join(known)}")
    return partial(_say, shelf, language, shipped_texts(language))


def _say(shelf: Shelf, language: str, shipped: Texts, key: str, /, **args: str) -> str:
    """As the project has it, where that is one of its languages."""
    book = shelf.book
    language = language or book.assistant.language
    texts = book.texts if language in book.assistant.languages else shipped
    return texts.plain(key, language, dict(args))


def _notice(shelf: Shelf, key: str, language: str, args: Mapping[str, str], /) -> Message:
    return notice(shelf.book, key, language, args)


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
    book: Book, free_form: Responder, *, slash: bool, facts_of: Callable[[Turn], Facts], codes: Codes
) -> tuple[Responder, ...]:
    """In the order in which they are asked; the last never declines."""
    return (
        AtDesk(book, facts_of),
        InFlow(book, facts_of, slash=slash),
        Linking(book, facts_of, codes),
        free_form,
        Fallback(book, facts_of),
    )


def facts_of(turn: Turn, hours: Hours = ALWAYS, channels: Mapping[str, Channel] = {}) -> Facts:
    """What conditions and texts may read beside slots, and what the channel can show."""
    channel = channels.get(turn.conversation.address.channel)
    can = channel.capabilities(turn.conversation.address) if channel else None
    zone = ZoneInfo(turn.zone) if turn.zone else None
    return {
        SHOWS: _shown_by(can.parts, can.form, can.can) if can else [],
        "customer": {"id": str(turn.conversation.contact), "verified": False, "language": turn.conversation.language},
        "language": turn.conversation.language,
        "channel": turn.conversation.address.channel,
        "now": (turn.now.astimezone(zone) if zone else hours.local(turn.now)).isoformat(),
        "hours": hours.at(turn.now, zone),
        "zone": turn.zone,
    }


@lru_cache(maxsize=100)
def _shown_by(parts: frozenset[type[Part]], form: str, can: frozenset[str]) -> list[Json]:
    tags: list[Json] = [*sorted(str(part.__struct_config__.tag) for part in parts)]
    return [*tags, *(("form",) if form != "ask" else ()), *sorted(can & {"toast", "share"})]
