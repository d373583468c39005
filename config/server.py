"""Runs the program: the parts, the doors and the web server around them."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table
from starlette.responses import Response

from bot.errors import SettingsError
from bot.flow import say
from bot.flow.read import read
from bot.store import open_store
from channels.web.frames import Greeting
from channels.web.settings import WebSettings
from channels.web.views import view_part
from channels.web.web import Web
from config.app import ASGI, App, Connections, health, metrics, shop
from config.doors import Account
from config.logs import set_up_logs, watch_loop
from config.machine import SystemClock, SystemRandom
from config.packs import refuse_ungranted
from config.serving import Server, SocketProtocol, asked_by_signal
from config.settings import DeskFile, Settings, read_settings
from config.wiring import Parts, running

if TYPE_CHECKING:
    from fastapi import FastAPI

    from channels.console.console import Console
    from config.stands import Stand

log = structlog.get_logger()

DEMO_EMAIL = "mara@demo.example"
DEMO_NAME = "Mara"


async def serve(host: str | None, port: int | None, *, reload: bool = False) -> None:
    settings = _given(read_settings(), host, port)
    set_up_logs(screen=False)
    watch_loop()
    async with server(settings) as site:
        log.info("server.started", address=site.address)
        async with _reloading(site.parts) if reload else nullcontext():
            await site.run()


async def demo(host: str | None, port: int | None) -> None:
    from config.stands import standing

    settings = _given(read_settings(), host, port)
    settings = settings.model_copy(update={"data": settings.data / "demo"})
    set_up_logs(screen=True)
    first = settings.port + 1 if settings.port else 0
    ready = asyncio.Event()
    async with standing(settings.desk_file().flows, SystemClock(), port=first) as stands:
        accounts = [stand.account for stand in stands if stand.account]
        async with server(settings, with_shop=True, more=accounts, ready=ready) as site:
            password = await _demo_account(site.parts)
            _tell(site, password, stands)
            async with _reloading(site.parts), _loading(stands, ready):
                await site.run()


@asynccontextmanager
async def _loading(stands: Sequence[Stand], ready: asyncio.Event) -> AsyncIterator[None]:
    """The platforms' libraries take seconds to import: meanwhile the shop and its console are open."""

    from config.stands import load_libraries

    async def load() -> None:
        await asyncio.to_thread(load_libraries, stands)
        ready.set()

    loading = asyncio.create_task(load())
    try:
        yield
    finally:
        loading.cancel()
        await asyncio.wait((loading,))


@asynccontextmanager
async def _reloading(parts: Parts) -> AsyncIterator[None]:
    """For those who write flows: what they change is published while the program runs."""
    from config.reload import keep_current

    screen = Screen(stderr=True, highlight=False, markup=False, soft_wrap=True)
    watching = asyncio.create_task(keep_current(parts, screen.print))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait((watching,))


@dataclass(frozen=True, slots=True)
class Site:
    parts: Parts
    address: str
    run: Callable[[], Awaitable[None]]
    """Serve until a signal, then stop gracefully."""


@asynccontextmanager
async def server(
    settings: Settings,
    *,
    with_shop: bool = False,
    more: Sequence[Account] = (),
    ready: asyncio.Event | None = None,
) -> AsyncIterator[Site]:
    """Everything put together, listening but not yet serving.

    `more` accounts than frontdesk.yaml has; all connect once it is `ready`.
    """
    file = settings.desk_file()
    accounts = (*settings.accounts(), *more)
    book = read(file.flows)
    refuse_ungranted(book, file, os.environ)
    clock, random = SystemClock(), SystemRandom()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        address = f"http://{settings.host}:{listener.getsockname()[1]}"
        settings.make_data()
        store = open_store(settings.database, clock)
        parts = await stack.enter_async_context(
            running(
                settings,
                file,
                book,
                store=store,
                clock=clock,
                random=random,
                accounts=accounts,
                slash=with_shop,
                ready=ready,
            )
        )
        web = _web(parts)
        stopping = asyncio.Event()

        async def metrics_page() -> Response:
            page = await asyncio.to_thread(_metrics_page)
            return await page(parts, app.connections)

        routes = [
            *web.routes(),
            *health(store, stopping.is_set),
            *metrics(metrics_page, token=settings.token_for_metrics()),
            *(shop(book.assistant.brand, web.account) if with_shop else ()),
        ]
        app = App(
            routes,
            console=lambda: console_app(parts),
            hosts=_hosts(settings, file),
            hooks=parts.connections.routes(),
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            http="httptools",
            ws=SocketProtocol,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            ws_max_size=2 * 1024 * 1024,
            timeout_graceful_shutdown=5,
            server_header=False,
        )
        _spare_the_collector()
        yield Site(parts, address, lambda: _run(Server(config), listener, web, parts, stopping))


async def _run(server: Server, listener: socket.socket, web: Web, parts: Parts, stopping: asyncio.Event) -> None:
    """The order in which it stops: nothing new begins, what has begun ends and is seen, and then the sockets close."""
    with asked_by_signal(stopping.set):
        tending = asyncio.create_task(web.run())
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        asked = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait((tending, serving, asked), return_when=asyncio.FIRST_COMPLETED)
            log.info("server.stopping")
            web.admit_no_more()
            await parts.stop()
        finally:
            asked.cancel()
            tending.cancel()  # the widgets' connections end, and may come back elsewhere
            await asyncio.wait((asked, tending))
            server.should_exit = True  # the consoles' too
            await serving
        if not tending.cancelled():
            await tending


def _web(parts: Parts) -> Web:
    file, assistant = parts.file.web, parts.book.assistant

    def greeting(language: str) -> Greeting:
        message = say.greeting(parts.book, language or assistant.language)
        return Greeting(assistant.name, assistant.brand, tuple(map(view_part, message.parts)), message.language)

    return Web(
        WebSettings(
            account=file.account,
            origins=file.origins,
            brand=assistant.brand,
            assistant=assistant.name,
            limits=file.limits,
            recheck_seconds=0,
        ),
        store=parts.store,
        bus=parts.bus,
        receive=parts.inbox,
        clock=parts.clock,
        random=parts.random,
        secret=parts.settings.secret(),
        greeting=greeting,
        files=parts.files,
    )


def console_app(parts: Parts) -> ASGI:
    """The console's door; importing it brings FastAPI."""
    from channels.console.console import Console, ConsoleSettings

    def is_private(flow: str, slot: str) -> bool:
        known = parts.book.flows.get(flow)
        declared = known.slots.get(slot) if known else None
        return declared is None or declared.pii

    console = Console(
        store=parts.store,
        bus=parts.bus,
        desk=parts.desk,
        clock=parts.clock,
        random=parts.random,
        settings=ConsoleSettings(brand=parts.book.assistant.brand, origins=parts.file.console_origins),
        is_private=is_private,
        files=parts.files,
        fetcher=parts.fetcher,
    )
    return mounted(console)


def mounted(console: Console) -> FastAPI:
    from fastapi import FastAPI

    from config.schema import components

    class Described(FastAPI):
        def openapi(self) -> dict[str, Any]:
            """The routes, and the frames of both doors, which are no routes."""
            document = super().openapi()
            document.setdefault("components", {}).setdefault("schemas", {}).update(components())
            return document

    app = Described(title="Frontdesk", docs_url=None, redoc_url=None)
    app.include_router(console.router())
    app.router.routes.extend(console.routes())
    return app


def _spare_the_collector() -> None:
    """Nothing that a turn makes refers back to itself: look for garbage seldom, and never at what is there by now."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _metrics_page() -> Callable[[Parts, Connections], Awaitable[Response]]:
    """Its library takes a tenth of a second to import: the first time in a thread, while customers are served."""
    from config.metrics import page

    return page


def _given(settings: Settings, host: str | None, port: int | None) -> Settings:
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update=changes)


def _hosts(settings: Settings, file: DeskFile) -> tuple[str, ...]:
    return (*file.hosts, settings.host)


def _listen(host: str, port: int) -> socket.socket:
    """Bound here, so that the address is known before anything is told of it."""
    try:
        return socket.create_server((host, port), backlog=2048, reuse_port=False)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error.strerror}); name another with FRONTDESK_PORT or --port"
        ) from error


async def _demo_account(parts: Parts) -> str:
    """A fresh password at each start: it is shown, and only its hash is kept."""
    from channels.console.accounts import set_agent

    password = secrets.token_urlsafe(9)
    await set_agent(
        parts.store, parts.clock, parts.random, email=DEMO_EMAIL, name=DEMO_NAME, role="admin", password=password
    )
    return password


def _tell(site: Site, password: str, stands: Sequence[Stand]) -> None:
    from config.sandbox import APPS

    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Shop page[/]", f"{site.address}/", "open the chat in its corner")
    table.add_row("[bold]Console[/]", f"{site.address}/console", f"sign in as {DEMO_EMAIL}")
    table.add_row("", "", f"password   {password}")
    for stand in stands:
        about = "a stand-in; its bot is there in a few seconds" if stand.address else escape(stand.why)
        table.add_row(f"[bold]{APPS[stand.platform]}[/]", stand.address and f"{stand.address}/", about)
    table.add_row("[bold]API[/]", f"{site.address}/openapi.json", "described")
    screen = Screen(highlight=False)
    screen.print(f"\n[bold]{site.parts.book.assistant.brand}[/] is open. Ctrl-C closes it.\n")
    screen.print(table)
    screen.print()
