"""Calls of Slack's Web API: one attempt each, with the right workspace's token; its errors become ours.

slack-sdk is imported when the first call is made. Its own repeats are off: one that follows a broken connection could
post twice, and waiting for a rate limit is the outbox's affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from msgspec import Struct

from bot.errors import Forbidden, TooLarge, TryLater, Unreachable, Unshowable
from bot.model import Address
from bot.ports import Vault
from channels.slack.place import place
from channels.slack.refusals import code_of, told, waits
from channels.slack.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()
QUIET = logging.getLogger("frontdesk.slack")
"""For Slack's libraries: they would log what they send and receive."""
QUIET.setLevel(logging.CRITICAL + 1)
PATIENCE = 25
"""Seconds for one call: less than the outbox waits."""
REMEMBERED = 60.0
"""Seconds that an installation is believed without asking the vault again."""
REFRESHED_BEFORE = timedelta(minutes=10)
OWN_HOSTS = ("slack.com", "slack-files.com")
_PIECE = 64 * 1024


class Instants(Protocol):
    """As much of `Clock` as is needed here."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class Installation(Struct, frozen=True, omit_defaults=True):
    """The app in one workspace, or in one organisation, as the vault keeps it."""

    team: str
    token: str
    name: str = ""
    bot: str = ""
    """The app's user id there."""
    refresh: str = ""
    expires_at: datetime | None = None


def vault_name(team: str) -> str:
    return f"install/{team}"


class Workspaces:
    """The tokens of an account, and calls with them."""

    def __init__(self, settings: Settings, clock: Instants, vault: Vault) -> None:
        self._settings, self._clock, self._vault = settings, clock, vault
        self._own = settings.token.get_secret_value()
        self._known: dict[str, tuple[float, Installation]] = {}
        self._clients: dict[str, AsyncWebClient] = {}
        self._refreshing = asyncio.Lock()
        self.session: ClientSession | None = None
        """While the channel runs its connections are kept; otherwise each call has one of its own."""

    @property
    def is_one(self) -> bool:
        """There is one workspace, whose token is a setting."""
        return bool(self._own)

    async def open(self) -> None:
        import aiohttp

        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), trust_env=True)

    async def close(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    async def call(
        self,
        team: str,
        method: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Raises `NotSent`."""
        return await self._called(await self._client(team), team, method, json=json, params=params)

    async def teams(self) -> tuple[str, ...]:
        """Workspaces in which it is installed. Raises `NotSent`."""
        if self.is_one:
            answer = await self.call("", "auth.test", json={})
            return (str(answer.get("team_id") or ""),)
        return tuple([name.removeprefix("install/") for name in await self._vault.names("install/")])

    async def at(self, to: Address, method: str, **arguments: Any) -> dict[str, Any]:
        """With the token of the workspace it is in. Raises `NotSent`."""
        return await self.call(place(to.chat)[0], method, **arguments)

    async def delete(self, to: Address, ts: str) -> None:
        """Gone it may be already. Raises `NotSent`."""
        try:
            await self.at(to, "chat.delete", json={"channel": place(to.chat)[1], "ts": ts})
        except Forbidden as error:
            if code_of(error) != "message_not_found":
                raise

    async def identity(self, team: str) -> tuple[dict[str, Any], frozenset[str]]:
        """What `auth.test` says, and the scopes of the token. Raises `NotSent`."""
        scopes = frozenset[str]()

        def note(headers: Mapping[str, str]) -> None:
            nonlocal scopes
            scopes = frozenset(filter(None, headers.get("x-oauth-scopes", "").split(",")))

        answer = await self._called(await self._client(team), team, "auth.test", note=note, json={})
        return answer, scopes

    async def socket_address(self) -> str:
        """Where Socket Mode connects to, once. Raises `NotSent`."""
        token = self._settings.app_token.get_secret_value()
        answer = await self._called(self.bare_client(), "", "apps.connections.open", params={"token": token})
        return str(answer.get("url") or "")

    async def _called(
        self,
        client: AsyncWebClient,
        team: str,
        method: str,
        *,
        note: Callable[[Mapping[str, str]], None] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackClientError

        client.session = self.session
        given: dict[str, Any] = {name: {**value} for name, value in arguments.items() if value is not None}
        try:
            response = await client.api_call(method, **given)
        except SlackApiError as error:
            refused = told(method, error, scope="account" if self.is_one or not team else "address")
            if isinstance(refused, Forbidden):
                self._known.pop(team, None)
            raise refused from None  # its cause holds the request, and the token with it
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise TryLater(f"{method}: no connection ({type(error).__name__})") from None
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{method}: no answer ({type(error).__name__})") from None
        if note is not None:
            note(response.headers)
        data = response.data
        if not isinstance(data, dict):
            raise Unreachable(f"{method}: the answer is no JSON")
        return data

    async def upload(self, team: str, name: str, content: AsyncIterator[bytes], *, size: int, alt: str = "") -> str:
        """The first two of three steps; gives the file's id. Raises `NotSent`."""
        import aiohttp

        asked = {"filename": name, "length": size} | _some(alt_txt=alt)
        ticket = await self.call(team, "files.getUploadURLExternal", params=asked)
        address, headers = str(ticket["upload_url"]), {"content-length": str(size)}
        self._check_host(address)
        async with _session(self.session) as session:
            try:
                async with session.post(address, data=content, headers=headers, allow_redirects=False) as answer:
                    if answer.status >= 500:
                        raise TryLater(f"upload: {answer.status}")  # nobody sees it before the third step
                    if answer.status != 200:
                        raise Unshowable(f"upload: {answer.status}")
            except (aiohttp.ClientError, TimeoutError) as error:
                raise TryLater(f"upload: no answer ({type(error).__name__})") from None
        return str(ticket["file_id"])

    async def download(self, team: str, address: str, *, most: int) -> AsyncIterator[bytes]:
        """From Slack's own hosts only, and the token to nobody else. Raises `NotSent`."""
        import aiohttp

        self._check_host(address)
        client = await self._client(team)
        headers, size = {"authorization": f"Bearer {client.token}"}, 0
        async with _session(self.session) as session:
            try:
                async with session.get(address, headers=headers, allow_redirects=False) as answer:
                    if answer.status == 429:
                        raise TryLater("file: 429", after=waits(answer.headers))
                    if answer.status >= 500:
                        raise Unreachable(f"file: {answer.status}")
                    if answer.status != 200:  # without the right Slack sends to its sign-in page
                        raise Forbidden(f"file: {answer.status}", scope="address")
                    async for piece in answer.content.iter_chunked(_PIECE):
                        size += len(piece)
                        if size > most:
                            raise TooLarge(f"the file is larger than {most} bytes", most=most)
                        yield piece
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreachable(f"file: no answer ({type(error).__name__})") from None

    def _check_host(self, address: str) -> None:
        parts, own = urlsplit(address), urlsplit(self._settings.base)
        host = parts.hostname or ""
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return
        if parts.scheme != "https" or not any(host == one or host.endswith(f".{one}") for one in OWN_HOSTS):
            raise Unshowable(f"the file is at {host!r}, which is not Slack's")

    async def post(self, address: str, json: Mapping[str, Any]) -> None:
        """To a `response_url`. Raises `NotSent`."""
        import aiohttp

        self._check_host(address)
        async with _session(self.session) as session:
            try:
                async with session.post(address, json=json, allow_redirects=False) as answer:
                    if answer.status != 200:
                        raise Unshowable(f"response_url: {answer.status}")
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreachable(f"response_url: no answer ({type(error).__name__})") from None

    # Tokens

    async def _client(self, team: str) -> AsyncWebClient:
        if self._own:
            return self._client_of(self._own)
        installed = await self._installed(team)
        if installed is None:
            raise Forbidden(f"the app is not installed in workspace {team!r}", scope="address")
        if installed.expires_at is not None and installed.expires_at - self._clock.now() < REFRESHED_BEFORE:
            installed = await self._refreshed(team)
        return self._client_of(installed.token)

    def bare_client(self) -> AsyncWebClient:
        """Without a token: for connections and for installing."""
        return self._client_of("")

    def _client_of(self, token: str) -> AsyncWebClient:
        from slack_sdk.web.async_client import AsyncWebClient

        if token not in self._clients:
            if len(self._clients) >= 1_000:
                self._clients.clear()
            self._clients[token] = AsyncWebClient(
                token=token or None,
                base_url=self._settings.base,
                timeout=PATIENCE,
                retry_handlers=[],
                logger=QUIET,
            )
        return self._clients[token]

    async def _installed(self, team: str) -> Installation | None:
        since, known = self._known.get(team, (float("-inf"), None))
        if known is not None and self._clock.monotonic() - since < REMEMBERED:
            return known
        kept = await self._vault.get(vault_name(team))
        if kept is None:
            self._known.pop(team, None)
            return None
        installed = msgspec.json.decode(kept, type=Installation)
        self._known[team] = (self._clock.monotonic(), installed)
        return installed

    async def _refreshed(self, team: str) -> Installation:
        """Keep the new token before it is used: the old refresh token works once."""
        async with self._refreshing:
            self._known.pop(team, None)
            installed = await self._installed(team)
            if installed is None:
                raise Forbidden(f"the app is not installed in workspace {team!r}", scope="address")
            expires_at = installed.expires_at
            if expires_at is None or expires_at - self._clock.now() >= REFRESHED_BEFORE:
                return installed  # another process has done it
            answer = await self.access(team=team, grant_type="refresh_token", refresh_token=installed.refresh)
            return await self.install(installation_of(answer, self._clock.now()))

    async def access(self, *, team: str = "", **arguments: str) -> dict[str, Any]:
        """`oauth.v2.access`. Raises `NotSent`."""
        secrets = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        return await self._called(self.bare_client(), team, "oauth.v2.access", data=arguments | secrets)

    async def install(self, installation: Installation) -> Installation:
        await self._vault.put(vault_name(installation.team), msgspec.json.encode(installation))
        self._known[installation.team] = (self._clock.monotonic(), installation)
        return installation

    async def forget(self, team: str) -> None:
        """The workspace has sent the app away."""
        self._known.pop(team, None)
        self._clients.clear()
        await self._vault.put(vault_name(team), None)


def installation_of(answer: Mapping[str, Any], now: datetime) -> Installation:
    """Of the answer of `oauth.v2.access`. Raises `Unshowable` when it names nothing."""
    place = answer.get("enterprise") if answer.get("is_enterprise_install") else answer.get("team")
    token = answer.get("access_token")
    if not isinstance(place, dict) or not place.get("id") or not token:
        raise Unshowable("oauth.v2.access: the answer names no workspace, or no token of the app")
    lives = answer.get("expires_in")
    return Installation(
        str(place["id"]),
        str(token),
        str(place.get("name") or ""),
        str(answer.get("bot_user_id") or ""),
        str(answer.get("refresh_token") or ""),
        now + timedelta(seconds=int(lives)) if lives else None,
    )


def _some(**arguments: str) -> dict[str, str]:
    return {name: value for name, value in arguments.items() if value}


class _Lent:
    """A session that is not ours to close."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def __aenter__(self) -> ClientSession:
        return self._session

    async def __aexit__(self, *_: object) -> None:
        pass


def _session(session: ClientSession | None) -> Any:
    if session is not None and not session.closed:
        return _Lent(session)
    import aiohttp

    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), trust_env=True)
