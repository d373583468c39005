"""discord.py at work for one account: HTTP with its rate limits, the gateway with its heartbeats; nothing else of it.

None of its caches and event methods are used: every text of the gateway is handed on as it came, before the library
reads it, and the library's own readers of events are left out, so that an event they cannot read costs nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import HTTPClient, Route

from bot.errors import Forbidden, NotSent, SettingsError, TooLarge, TryLater, Unreachable, Unshowable
from channels.discord.render import Call
from channels.discord.session import Session
from channels.discord.settings import Settings

log = structlog.get_logger()

_UNKNOWN_MESSAGE = 10008
_CONNECTS_WITHIN = 60.0
_RESUMES = 4000
"""The close code after which a session can be resumed."""


class Line:
    """Raises `NotSent` from its calls and `SettingsError` for what nobody but the owner of the account can mend."""

    def __init__(self, settings: Settings, heard: Callable[[str], None]) -> None:
        self._settings, self._heard = settings, heard
        self._client: _Client | None = None
        self._logging_in = asyncio.Lock()
        self._ended = False
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.application = ""
        self.bot = ""

    def __repr__(self) -> str:
        return f"Line(bot={self.bot!r})"

    async def login(self) -> _Client:
        async with self._logging_in:
            if self._client is not None:
                return self._client
            if self._ended:  # nobody would close what is begun now
                raise TryLater("the account is not connected here any more")
            token = self._settings.token.get_secret_value()
            client = _Client(self._settings, self._heard)
            try:
                await client.login(token)
                assert client.user is not None
                self.bot, self.application = str(client.user.id), str(client.application_id)
            except BaseException as error:
                await client.close()
                if isinstance(error, discord.DiscordException | aiohttp.ClientError | OSError | asyncio.TimeoutError):
                    raise translated(error) from error
                raise
            self._client = client
            return client

    def begin(self) -> None:
        """Calls may be made, until `close`."""
        self._ended = False

    async def call(self, call: Call, query: Mapping[str, str] | None = None, *, files: Sequence[Path] = ()) -> Any:
        """One request; what the library repeats is safe to repeat. `files`: where those of the call are."""
        client = await self.login()
        route = Route(call.method, call.path, metadata=None, **call.ids)
        attached = [discord.File(path, upload.name) for path, upload in zip(files, call.files, strict=True)]
        self._calls += 1
        self._idle.clear()
        try:
            named = _content(call, attached) | ({"params": dict(query)} if query else {})
            return await client.http.request(route, **named)
        except (TimeoutError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
            raise translated(error) from error
        finally:
            for file in attached:
                file.close()
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def open(self, left: Session | None) -> None:
        """Connect to the gateway: go on where a session was left, or begin one."""
        client = await self.login()
        opening = DiscordWebSocket.from_client(
            client,
            initial=True,
            gateway=yarl.URL(left.address if left else self._settings.gateway),
            shard_id=client.shard_id,
            session=left.id if left else None,
            sequence=left.sequence if left else None,
            resume=left is not None,
        )
        try:
            client.ws = await asyncio.wait_for(opening, _CONNECTS_WITHIN)
        except ReconnectWebSocket as lost:
            raise TryLater("the gateway hung up at once") from lost
        except (TimeoutError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
            raise _ended(error, self.application) from error

    async def read(self) -> bool:
        """Until the connection is over; gives whether its session can be resumed."""
        client = await self.login()
        socket = client.ws
        while True:
            try:
                await socket.poll_event()
            except ReconnectWebSocket as ended:
                return ended.resume
            except (TimeoutError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                raise _ended(error, self.application) from error
            except Exception as error:  # a frame the library chokes on: we have had its text
                log.warning("discord.event_unread", why=f"{type(error).__name__}: {error}"[:200])
                if not socket.open:
                    return True

    async def cut(self) -> None:
        """End the connection so that its session can be resumed."""
        if self._client is not None and getattr(self._client.ws, "open", False):
            await self._client.ws.close(_RESUMES)

    async def close(self, patience: float = 5.0) -> None:
        """Calls that are under way may end."""
        self._ended = True
        await self.cut()
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            log.warning("discord.calls_cut", calls=self._calls)
        await client.close()

    async def download(self, address: str, most: int) -> AsyncIterator[bytes]:
        """Without our token, and following nobody elsewhere."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_read=30)) as web,
                web.get(address, allow_redirects=False) as answer,
            ):
                if answer.status in (403, 404):
                    raise Forbidden(f"the file is gone ({answer.status})", scope="address")
                if answer.status != 200:
                    raise Unreachable(f"its server answered {answer.status}")
                size = 0
                async for piece in answer.content.iter_chunked(64 * 1024):
                    size += len(piece)
                    if size > most:
                        raise TooLarge(f"the file is larger than {most} bytes", most=most)
                    yield piece
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the file was not answered: {type(error).__name__}") from error


discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody talks here


class _Client(discord.Client):
    def __init__(self, settings: Settings, heard: Callable[[str], None]) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        intents.guild_reactions = intents.dm_reactions = True
        intents.message_content = settings.content
        super().__init__(
            intents=intents,
            enable_debug_events=True,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            shard_id=settings.shard if settings.shards > 1 else None,
            shard_count=settings.shards if settings.shards > 1 else None,
        )
        self._heard = heard
        self.http = _Http(settings.rest)
        self._connection.http = self.http
        self._connection.parsers = {}

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Where every text of the gateway comes by, in order."""
        if event == "socket_raw_receive":
            self._heard(args[0])


class _Http(HTTPClient):
    """Calls the address it is given. A wait longer than 30 s, the shortest the library lets be set, is the outbox's."""

    def __init__(self, rest: str) -> None:
        super().__init__(asyncio.get_running_loop(), max_ratelimit_timeout=30)
        self._rest = rest

    async def request(self, route: Route, **named: Any) -> Any:
        route.url = self._rest + route.url.removeprefix(Route.BASE)
        return await super().request(route, **named)


def _content(call: Call, files: Sequence[discord.File]) -> dict[str, Any]:
    if not files:
        return {} if call.payload is None else {"json": call.payload}
    form: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(call.payload)}]
    for at, file in enumerate(files):
        named = {"name": f"files[{at}]", "filename": file.filename, "content_type": "application/octet-stream"}
        form.append(named | {"value": file.fp})
    return {"files": files, "form": form}


# Errors


def translated(error: BaseException) -> NotSent:
    """What the library's error means for whoever wanted to send."""
    match error:
        case discord.RateLimited():
            return TryLater("Discord wants us to wait", after=timedelta(seconds=error.retry_after))
        case discord.LoginFailure():
            return Forbidden("Discord refuses the bot's token", scope="account")
        case discord.NotFound(code=code) if code == _UNKNOWN_MESSAGE:
            return Unshowable(f"{code}: {error.text}")
        case discord.HTTPException(status=401):
            return Forbidden(f"{error.code}: {error.text or 'unauthorized'}", scope="account")
        case discord.Forbidden() | discord.NotFound():
            return Forbidden(f"{error.code}: {error.text or 'there is no such place'}", scope="address")
        case discord.HTTPException(status=429):
            wait = error.response.headers.get("Retry-After", "")
            after = timedelta(seconds=float(wait)) if wait.replace(".", "", 1).isdigit() else timedelta(minutes=10)
            return TryLater("Discord has banned this address for a while", after=after, scope="account")
        case discord.HTTPException(status=status) if status >= 500:
            return Unreachable(f"Discord answered {status}")
        case discord.HTTPException():
            return Unshowable(f"{error.code}: {error.text}"[:500])
        case aiohttp.ClientConnectorError():
            return TryLater(f"Discord cannot be reached: {type(error).__name__}")
        case _:
            return Unreachable(f"no answer: {type(error).__name__}")


def _ended(error: BaseException, application: str) -> Exception:
    """Why a connection ended: for good, or for now."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else 0
    portal = f"https://discord.com/developers/applications/{application}/bot"
    match code:
        case 4004:
            return SettingsError(f"Discord refuses the bot's token; make a new one at {portal}")
        case 4013 | 4014:
            return SettingsError(
                f"Discord refuses what the bot asks to read: switch on MESSAGE CONTENT INTENT under Privileged "
                f"Gateway Intents at {portal}, or set `content: false` (direct messages and mentions work without it)"
            )
        case 4010 | 4011:
            return SettingsError("Discord refuses the shard: set `shards` higher, and `shard` below it")
        case _:
            return TryLater(f"the gateway ended the connection: {type(error).__name__} {code or ''}".strip())
