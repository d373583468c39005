"""A stand-in of Discord: REST v10, gateway, attachments, and the person at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.ports import Clock
from channels.sandbox.discord.gateway import MESSAGE_CONTENT, Gateway, Rules
from channels.sandbox.discord.interactions import Interactions
from channels.sandbox.discord.pace import LIMITS, Pace
from channels.sandbox.discord.person import PersonsSide
from channels.sandbox.discord.rest import Rest
from channels.sandbox.discord.seen import seen
from channels.sandbox.discord.world import FORUM, TEXT, World
from channels.sandbox.faults import Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMA.sandbox.frontdesk"  # of no use anywhere else
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class DiscordSandbox:
    """Implements `Sandbox`. One bot, one server with two channels and a forum, one person who may be joined by others.

    `granted`: privileged intents switched on in the portal. `identify_every`: the pause Discord wants between two
    IDENTIFYs, `identifies`: how many a day it takes. `limits`: see `pace.LIMITS`.
    """

    name = "discord"

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        token: str = TOKEN,
        granted: int = MESSAGE_CONTENT,
        limits: Mapping[str, tuple[int, float]] = LIMITS,
        identify_every: timedelta = timedelta(seconds=5),
        identifies: int = 1000,
        heartbeat: timedelta = timedelta(milliseconds=41_250),
    ) -> None:
        self.journal, self.faults = Journal(clock), Faults(seed)
        self.rules = Rules(
            token=token, granted=granted, identify_every=identify_every, identifies=identifies, heartbeat=heartbeat
        )
        self.world = World(clock, guild="Sandbox server", bot="Frontdesk", person="Ada")
        self.general = self.world.place(TEXT, "general")
        self.support = self.world.place(TEXT, "support")
        self.forum = self.world.place(FORUM, "questions")
        self.direct = self.world.direct(self.world.owner)
        self.gateway = Gateway(self.world, self.rules, self.journal, self.faults, clock)
        self.interactions = Interactions(self.world, self.gateway, self.journal, self.faults, clock, seed=seed)
        self.pace = Pace(limits, clock)
        self._rest = Rest(
            self.world, self.gateway, self.interactions, self.rules, self.pace, self.journal, self.faults, clock
        )
        self._side = PersonsSide(self.world, self.gateway, self.interactions, self._rest, self.journal)
        self.commands = self._side.commands

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/v10/{path:path}", self._rest.__call__, methods=_METHODS),
            Route("/attachments/{place}/{file}/{name}", self._attachment),
            WebSocketRoute("/gateway", self._gateway),
            WebSocketRoute("/gateway/", self._gateway),
        ]

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        """What a person does; `endpoint {url}` as in the developer's portal; `gateway {do}` and `probe` as Discord."""
        match what:
            case "endpoint":
                await self.interactions.connect(str(body.get("url") or ""))
                return {"endpoint": self.interactions.endpoint}
            case "probe":
                return {"passed": await self.interactions.probe()}
            case "gateway":
                return self._order(body)
            case _:
                return self._side.act(what, body)

    def _order(self, body: Mapping[str, Any]) -> Any:
        match body.get("do"):
            case "reconnect":
                self.gateway.reconnect()
            case "invalidate":
                self.gateway.invalidate(resumable=bool(body.get("resumable")))
            case "disconnect":
                self.gateway.disconnect(int(body.get("code") or 4000))
            case "forget":
                self.gateway.forget()
            case _:
                raise BadAct("`do` is reconnect, invalidate, disconnect or forget")
        return {}

    def seen(self) -> Any:
        return seen(self.world, self._side, absent=not self.rules.identified)

    def told(self) -> Mapping[str, str]:
        return {
            "api": "{address}",
            "token": self.rules.token,
            "application_id": str(self.world.bot.id),
            "public_key": self.interactions.public_key,
            "guild_id": str(self.world.guild),
        }

    async def close(self) -> None:
        await asyncio.gather(self.gateway.close(), self.interactions.close())

    async def _gateway(self, socket: WebSocket) -> None:
        await self.gateway.serve(socket)

    async def _attachment(self, request: Request) -> Response:
        wanted = request.path_params["file"]
        found = next((file for file in self.world.files() if str(file.id) == wanted), None)
        if found is None:
            return Response("This content is no longer available.", 404, media_type="text/plain")
        return Response(found.content, media_type=found.type, headers={"X-Content-Type-Options": "nosniff"})
