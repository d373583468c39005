"""Calls of the Bot API through aiogram: one attempt each, its errors told as ours.

The library is loaded when it is first used. No error quotes an address: the token stands in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.errors import FileGone, Forbidden, NotSent, TryLater, Unreachable, Unshowable

if TYPE_CHECKING:
    from aiogram import Bot

PATIENCE = 25
"""Seconds one call may take: less than the outbox waits."""
_GONE = (
    *("chat not found", "user is deactivated", "bot is not a member", "have no rights to send", "not enough rights"),
    *("message thread not found", "topic_closed", "topic_deleted", "business_peer_invalid"),
    *("business_connection_invalid", "peer_id_invalid", "need administrator rights"),
)
_UNCHANGED = "message is not modified"


class Moved(NotSent):
    """The group has another id now."""

    def __init__(self, chat: int) -> None:
        super().__init__(f"the group became a supergroup: {chat}")
        self.chat = chat


class Conflict(NotSent):
    """Somebody else polls with this token, or a webhook is set."""


class Unchanged(NotSent):
    """It stands there already as it was to be."""


class Client:
    def __init__(self, token: str, api: str = "") -> None:
        self._token, self._api = token, api.rstrip("/")
        self._bot: Bot | None = None

    def __repr__(self) -> str:
        return f"Client(bot {self.number}, {self._api or 'api.telegram.org'})"

    @property
    def number(self) -> int:
        """The bot's id, which its token begins with; 0: the token is none."""
        number = self._token.partition(":")[0]
        return int(number) if number.isdigit() else 0

    async def call(self, method: str, payload: Mapping[str, Any], *, patience: float = PATIENCE) -> Any:
        """Raises `NotSent`, of which `Moved`, `Conflict` and `Unchanged` are this module's own."""
        bot = self._opened()
        try:
            return await bot(_method(method)(**payload), request_timeout=int(patience))
        except Exception as error:
            raise _told(error) from None  # the cause may quote the address, and so the token

    async def updates(self, offset: int, *, wait: int, allowed: Sequence[str]) -> list[dict[str, Any]]:
        """Raw: the library's own models refuse a whole batch for one update that they do not know."""
        asked = {"offset": offset, "limit": 100, "timeout": wait, "allowed_updates": list(allowed)}
        found = await self.call("getUpdates", asked, patience=wait + 10)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """Only from the server that calls go to, and no further. Raises `FileGone`, `Unreachable`."""
        bot = self._opened()
        from aiogram.client.session.aiohttp import AiohttpSession

        assert isinstance(bot.session, AiohttpSession)
        http = await bot.session.create_session()
        url = bot.session.api.file_url(self._token, path)
        try:
            async with http.get(url, allow_redirects=False) as answer:
                if answer.status == 404:  # its path is good for an hour
                    raise FileGone("Telegram no longer has the file there")
                if answer.status != 200:
                    raise Unreachable(f"the file could not be fetched: HTTP {answer.status}")
                async for piece in answer.content.iter_chunked(65_536):
                    yield piece
        except NotSent:
            raise
        except Exception as error:
            raise _told(error) from None

    async def close(self) -> None:
        """Let go of connections; another call makes new ones."""
        bot, self._bot = self._bot, None
        if bot is not None:
            await bot.session.close()

    def _opened(self) -> Bot:
        if self._bot is None:
            from aiogram import Bot
            from aiogram.client.session.aiohttp import AiohttpSession
            from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
            from aiogram.utils.token import TokenValidationError

            api = TelegramAPIServer.from_base(self._api) if self._api else PRODUCTION
            try:
                self._bot = Bot(self._token, session=AiohttpSession(api=api, json_dumps=_dumps))
            except TokenValidationError:
                raise Forbidden("that is no token of a bot", scope="account") from None
        return self._bot


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def _method(name: str) -> Any:
    """A method whose arguments and answer are plain data: a newer server's answer is no error."""
    from aiogram.methods import TelegramMethod

    return type(name, (TelegramMethod[Any],), {"__returning__": Any, "__api_method__": name, "__module__": __name__})


def upload(name: str, open: Callable[[], AsyncIterator[bytes]]) -> Any:
    """A value that a call may hold, however deep: the file goes with it, in pieces as it is read."""
    return _upload()(name, open)


@cache
def _upload() -> Any:
    from aiogram.types import InputFile

    class Upload(InputFile):
        def __init__(self, name: str, open: Callable[[], AsyncIterator[bytes]]) -> None:
            super().__init__(name)
            self._open = open

        def read(self, bot: Bot) -> AsyncIterator[bytes]:  # type: ignore[override]  # it is only iterated
            return self._open()

    return Upload


def _told(error: Exception) -> NotSent:
    """What the caller is to do next."""
    from aiogram import exceptions as raised
    from aiohttp import ClientConnectionError, ClientConnectorError, ClientError

    match error:
        case raised.TelegramRetryAfter():
            return TryLater("flood control", after=timedelta(seconds=error.retry_after))
        case raised.TelegramMigrateToChat():
            return Moved(error.migrate_to_chat_id)
        case raised.TelegramUnauthorizedError():
            return Forbidden(f"the token is refused: {error.message}", scope="account")
        case raised.TelegramForbiddenError():
            return Forbidden(error.message, scope="address")
        case raised.TelegramConflictError():
            return Conflict(error.message)
        case raised.TelegramNotFound():  # of a method an older server has not, or of a token that is none
            is_method = "method" in error.message.lower()
            return Unshowable(error.message) if is_method else Forbidden(error.message, scope="account")
        case raised.TelegramEntityTooLarge():  # a kind of network error: first
            return Unshowable(error.message)
        case raised.TelegramServerError():
            return Unreachable(error.message)
        case raised.TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return TryLater(f"cannot connect: {type(error.__cause__).__name__}")
        case raised.TelegramNetworkError():
            cause = type(error.__cause__).__name__ if error.__cause__ else "no answer"
            return Unreachable(f"no answer: {cause}")
        case raised.TelegramBadRequest() if _UNCHANGED in error.message:
            return Unchanged(error.message)
        case raised.TelegramBadRequest() if any(words in error.message.lower() for words in _GONE):
            return Forbidden(error.message, scope="address")
        case raised.TelegramAPIError():
            return Unshowable(error.message)
        case raised.ClientDecodeError():  # a page of some server in between
            return Unreachable("the answer is none of the Bot API")
        case ClientConnectorError():
            return TryLater(f"cannot connect: {type(error).__name__}")
        case asyncio.TimeoutError() | ClientConnectionError() | ClientError() | OSError():
            return Unreachable(f"no answer: {type(error).__name__}")
        case _:
            return Unshowable(f"{type(error).__name__}: it cannot be asked")
