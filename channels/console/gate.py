"""Who may come in, asked of every request and every socket: same origin, a sign-in, and for changes its CSRF token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from channels.console.problems import Denied
from channels.console.sign_in import ENDS_AFTER, Present, SignIns

SECURE_COOKIE = "__Host-frontdesk"
PLAIN_COOKIE = "frontdesk_dev"
"""On plain HTTP, which is served to this machine alone: browsers keep no `__Host-` cookie there."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """The rules that routes name: `anyone` and `agent`. Both refuse what another site's page sends."""

    def __init__(self, sign_ins: SignIns, origins: Sequence[str] = ()) -> None:
        """`origins`: as in `ConsoleSettings`."""
        self.sign_ins = sign_ins
        self._origins = {origin.partition("://")[2]: origin for origin in map(str.lower, origins)}
        """Host, with its port, to the origin."""

    async def anyone(self, request: Request) -> None:
        if request.method not in _SAFE:
            self._refuse_other_origins(request)

    async def agent(self, request: Request) -> Present:
        await self.anyone(request)
        present = await self.sign_ins.find(self.token(request))
        if present is None:
            raise Denied(401, "signed_out", "You are signed out. Sign in again; what you wrote is kept.")
        if request.method not in _SAFE:
            given = request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(given.encode(), present.sign_in.csrf.encode()):
                raise Denied(403, "csrf", "This page is out of date. Reload it, then try again.")
        return present

    async def screen(self, socket: HTTPConnection) -> Present | None:
        """Whose socket this is; None: it may not be opened."""
        if not self.is_ours(socket):
            return None
        return await self.sign_ins.find(self.token(socket))

    def is_ours(self, connection: HTTPConnection) -> bool:
        """Whether a page of ours sent it. A browser always says so on what could change something."""
        return connection.headers.get("origin", "").lower() == self._own_origin(connection)

    def token(self, connection: HTTPConnection) -> str:
        return connection.cookies.get(self._cookie(connection), "")

    def set_cookie(self, request: Request, response: Response, token: str) -> None:
        response.set_cookie(
            self._cookie(request),
            token,
            max_age=int(ENDS_AFTER.total_seconds()),
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",
        )

    def delete_cookie(self, request: Request, response: Response) -> None:
        secure = self._is_secure(request)
        response.delete_cookie(self._cookie(request), path="/", secure=secure, httponly=True, samesite="lax")

    def _refuse_other_origins(self, request: Request) -> None:
        if not self.is_ours(request):
            raise Denied(403, "csrf", "This did not come from a page of this console. Open the console and try again.")
        if not self._is_secure(request) and not _is_local(request.headers.get("host", "")):
            raise Denied(403, "forbidden", "The console needs HTTPS, except on the machine it runs on.")

    def _cookie(self, connection: HTTPConnection) -> str:
        return SECURE_COOKIE if self._is_secure(connection) else PLAIN_COOKIE

    def _is_secure(self, connection: HTTPConnection) -> bool:
        return self._own_origin(connection).startswith("https://")

    def _own_origin(self, connection: HTTPConnection) -> str:
        host = connection.headers.get("host", "").lower()
        if origin := self._origins.get(host):
            return origin
        scheme = {"ws": "http", "wss": "https"}.get(connection.scope["scheme"], connection.scope["scheme"])
        return f"{scheme}://{host}"


def _is_local(host: str) -> bool:
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
