"""The widget's door: everything under `/ws/widget`, `/api/widget/` and `/widget/`.

Its readers tail the log, so there is nothing to send and no row in the outbox: for them the commit is the delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.routing import BaseRoute, Route, WebSocketRoute

from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Location,
    Media,
    Notice,
    Rating,
    Sources,
    Table,
    Text,
    VCard,
)
from bot.ports import Attachments, Bus, Buttons, Capabilities, Clock, FileStore, Limit, Random, Receive, Store
from channels.web.assets import STATIC, Assets
from channels.web.calls import GrantToken, PostFrame, Stream
from channels.web.door import Door
from channels.web.files import ServeFile, TakeFile
from channels.web.frames import Greeting
from channels.web.intake import CHANNEL
from channels.web.settings import WebSettings
from channels.web.socket import Socket

CAN = Capabilities(
    text=Limit(32_000),
    marks=frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")),
    parts=frozenset((Text, Choices, Card, Carousel, Table, Sources, Notice, Media, Location, VCard, Rating)),
    buttons=Buttons(rows=20, per_row=5, label=80),
    options=100,
    form="native",
    files=Attachments(per_message=10),
    stream="native",
    resend="safe",
)


class Web:
    """Implements `Channel` for one account. `secret` signs the visitors' tokens; whoever has it can make them.

    The server in front must keep WebSocket messages of up to 1 MB (what is too long is refused, and the connection
    stays), leave pings to us, and check `Host`.
    """

    name = CHANNEL

    def __init__(
        self,
        settings: WebSettings,
        *,
        store: Store,
        bus: Bus,
        receive: Receive,
        clock: Clock,
        random: Random,
        secret: bytes,
        greeting: Callable[[str], Greeting],
        files: FileStore,
        static: Path = STATIC,
    ) -> None:
        self.account = settings.account
        self._door = Door(
            settings,
            store=store,
            bus=bus,
            receive=receive,
            clock=clock,
            random=random,
            secret=secret,
            greeting=greeting,
            files=files,
        )
        self._static = static

    def capabilities(self, to: Address) -> Capabilities:
        return CAN

    async def run(self, receive: Receive | None = None) -> None:
        """Keep the connections alive and cut the dead ones, until cancelled: then all end, to come back elsewhere."""
        await self._door.run()

    def admit_no_more(self) -> None:
        """New connections are sent away, to come back later or elsewhere; those that are open go on."""
        self._door.admits = False

    def routes(self) -> list[BaseRoute]:
        # Starlette calls an object as ASGI; a function it would wrap.
        return [
            WebSocketRoute("/ws/widget", Socket(self._door)),
            Route("/api/widget/token", GrantToken(self._door)),
            Route("/api/widget/stream", Stream(self._door)),
            Route("/api/widget/frames", PostFrame(self._door)),
            Route("/api/widget/files", TakeFile(self._door)),
            Route("/api/widget/files/{signed}/{name}", ServeFile(self._door)),
            Route("/widget/{path:path}", Assets(self._static)),
        ]
