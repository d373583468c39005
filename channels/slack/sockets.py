"""Socket Mode: Bolt keeps the connection; T0 runs before anything of Bolt's own that could acknowledge."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
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

    async def run(self, take: Take) -> None:
        """Until cancelled. Raises `SettingsError`."""
        handler = self._handler(take)
        socket = handler.client
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
        from slack_bolt.response import BoltResponse

        async def accept(req: Any, resp: Any, next_: Any) -> BoltResponse:
            status, answer = await take(msgspec.json.encode(req.body))
            return BoltResponse(status=status, body=answer or "")

        async def nobody() -> AuthorizeResult:
            raise AssertionError("`accept` answers before anybody is asked for a token")

        app = AsyncApp(
            logger=QUIET,
            client=self._workspaces.bare_client(),
            signing_secret="none",  # nothing comes over HTTP here
            authorize=nobody,
            before_authorize=accept,
        )
        token = self._settings.app_token.get_secret_value()
        return AsyncSocketModeHandler(app, token, logger=QUIET, web_client=self._workspaces.bare_client())

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
