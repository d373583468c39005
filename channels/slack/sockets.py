"""Socket Mode: Bolt keeps the connection, and hands over each envelope before it reads what is in it.

Its own way through the app acknowledges too early, and never what it cannot read: T0 stands in its place.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import structlog

from bot.errors import Forbidden, NotSent, SettingsError
from bot.ports import Clock, Random
from bot.waiting import within
from channels.slack.client import QUIET, Workspaces
from channels.slack.hook import Take
from channels.slack.settings import Settings

log = structlog.get_logger()
CONNECTING = timedelta(seconds=20)


class Sockets:
    def __init__(
        self, account: str, settings: Settings, workspaces: Workspaces, *, clock: Clock, random: Random
    ) -> None:
        self._account, self._settings, self._workspaces = account, settings, workspaces
        self._clock, self._random = clock, random
        self._socket: Any = None

    def is_connected(self) -> bool:
        session = self._socket.current_session if self._socket is not None else None
        return session is not None and not session.closed

    async def run(self, take: Take) -> None:
        """Until cancelled. Raises `SettingsError`."""
        handler = self._handler(take)
        socket = self._socket = handler.client
        try:
            await self._connect(handler)
            await asyncio.Event().wait()
        finally:
            await handler.close_async()
            left = [socket.message_processor, socket.current_session_monitor, socket.message_receiver]
            await asyncio.gather(*(task for task in left if task is not None), return_exceptions=True)

    def _handler(self, take: Take) -> Any:
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
        from slack_bolt.app.async_app import AsyncApp
        from slack_bolt.authorization import AuthorizeResult
        from slack_sdk.socket_mode.response import SocketModeResponse

        class Accepting(AsyncSocketModeHandler):
            async def handle(self, client: Any, req: Any) -> None:
                status, answer = await take(json.dumps(req.payload).encode())  # half characters included
                if status == 200:
                    await client.send_socket_mode_response(SocketModeResponse(req.envelope_id, answer or None))

        async def nobody() -> AuthorizeResult:
            raise AssertionError("no event comes to Bolt's own listeners")

        web = self._workspaces.bare_client()
        app = AsyncApp(logger=QUIET, client=web, signing_secret="none", authorize=nobody)  # nothing comes over HTTP
        token = self._settings.app_token.get_secret_value()
        return Accepting(app, token, logger=QUIET, web_client=self._workspaces.bare_client())

    async def _connect(self, handler: Any) -> None:
        """Once connected the client connects again by itself."""
        pause = 1.0
        while True:
            try:
                handler.client.wss_uri = await self._workspaces.socket_address()
                await within(self._clock, CONNECTING, handler.connect_async())
                return
            except Forbidden as error:
                raise SettingsError(
                    f"app_token: {error}; it is the xapp-… of the app, with connections:write"
                ) from None
            except (NotSent, TimeoutError) as error:
                log.warning("slack.not_connected", account=self._account, why=error)
            await self._clock.sleep(self._random.between(pause / 2, pause))
            pause = min(pause * 2, 30.0)
