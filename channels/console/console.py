"""The agents' door: an HTTP API over the desk, live updates, and the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.desk import Desk
from bot.fetcher import Fetcher
from bot.ports import Bus, Clock, FileStore, Random, Store
from channels.console import api
from channels.console.files import ConversationFiles
from channels.console.gate import Gate
from channels.console.live import Live
from channels.console.pages import STATIC, Pages
from channels.console.passwords import Passwords
from channels.console.screen import Screen
from channels.console.sign_in import SignIns

MOST_SCREENS = 20
"""Open under one sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    brand: str = "Frontdesk"
    origins: tuple[str, ...] = ()
    """Where browsers reach the console through something that ends TLS before this server, such as
    `https://desk.example`; it has to pass on `Host`. A host that is not among them is taken as the request says."""
    static: Path = STATIC


class Console:
    """Made by `config/wiring.py` within a running event loop; mounts `router()` and `routes()` on its application."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        desk: Desk,
        clock: Clock,
        random: Random,
        settings: ConsoleSettings,
        *,
        passwords: Passwords | None = None,
        is_private: api.IsPrivate = lambda flow, slot: False,
        files: FileStore,
        fetcher: Fetcher,
    ) -> None:
        """`is_private` says which slots are shown masked; `fetcher` keeps what it brings in `files`."""
        self._store, self._bus, self._desk, self._clock, self._random = store, bus, desk, clock, random
        self._settings = settings
        self._is_private = is_private
        self._files = ConversationFiles(store, files, fetcher)
        self._live = Live(store, bus, clock)
        self._sign_ins = SignIns(store, clock, random, passwords or Passwords())
        self._gate = Gate(self._sign_ins, settings.origins)
        self._pages = Pages(settings.static)

    def router(self) -> APIRouter:
        return api.routes(
            store=self._store,
            desk=self._desk,
            live=self._live,
            gate=self._gate,
            random=self._random,
            brand=self._settings.brand,
            is_private=self._is_private,
            files=self._files,
        )

    def routes(self) -> list[BaseRoute]:
        """The live socket, and the page with its assets."""
        return [
            WebSocketRoute("/ws/console", self._screen),
            Route("/console", self._pages.serve),
            Route("/console/{path:path}", self._pages.serve),
        ]

    def close(self) -> None:
        self._live.close()

    async def _screen(self, socket: WebSocket) -> None:
        present = await self._gate.screen(socket)
        if present is None or self._live.shown_under(present.sign_in.digest) >= MOST_SCREENS:
            await socket.close()  # before it was accepted: 403
            return
        screen = Screen(
            socket,
            present,
            live=self._live,
            store=self._store,
            bus=self._bus,
            clock=self._clock,
            sign_ins=self._sign_ins,
        )
        await screen.run()
