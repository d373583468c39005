"""The ASGI application: which door answers which path.

The console's door needs FastAPI, which is imported at the first request below its paths; a widget never waits for it.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router

from bot.errors import StoreDown
from bot.ports import Store
from bot.units import Agents

Scope = MutableMapping[str, Any]
ASGI = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

Door = Literal["console", "widget", "other"]
Connections = Counter[tuple[Door, str]]
"""By door and kind (`http`, `websocket`)."""

STORE_SECONDS = 2.0
"""After so long without an answer the store is not ready."""
_DEMO = Path(__file__).parent / "demo"
_WIDGET = ("/ws/widget", "/api/widget/", "/widget/")
_CONSOLE = ("/console", "/api/console", "/ws/console", "/openapi.json")
_SHOP_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class App:
    """`hosts`: names this server answers to; a `Host` header that is none of them is refused (DNS rebinding).

    `hooks`: where platforms call, by path.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        *,
        console: Callable[[], ASGI],
        hosts: Sequence[str],
        hooks: Mapping[str, ASGI] = {},
    ) -> None:
        self._hooks = hooks
        self._router = Router([*routes])
        self._console = console
        self._console_app: ASGI | None = None
        self._hosts = frozenset(hosts)
        self.connections: Connections = Counter()
        """What is being served now."""

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if "*" not in self._hosts and _host(scope) not in self._hosts:
            await _refuse_host(scope, receive, send)
            return
        door = _door(scope["path"])
        self.connections[door, scope["type"]] += 1
        try:
            await self._behind(door, scope)(scope, receive, send)
        finally:
            self.connections[door, scope["type"]] -= 1

    def _behind(self, door: Door, scope: Scope) -> ASGI:
        if door == "other" and scope["type"] == "http" and (hook := self._hooks.get(scope["path"])):
            return hook
        return self._the_console() if door == "console" else self._router

    def _the_console(self) -> ASGI:
        if self._console_app is None:
            self._console_app = self._console()
        return self._console_app


def health(store: Store, is_stopping: Callable[[], bool] = lambda: False) -> list[Route]:
    """`/healthz`: the process answers. `/readyz`: it takes work, which it does not while it stops or has no store."""

    async def alive(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(request: Request) -> Response:
        if is_stopping():
            return PlainTextResponse("stopping", status_code=503)
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await store.read(Agents())
        except StoreDown as down:
            return PlainTextResponse(f"store: {down}", status_code=503)
        except TimeoutError:
            return PlainTextResponse(f"store: no answer within {STORE_SECONDS:g} s", status_code=503)
        return PlainTextResponse("ready")

    return [Route("/healthz", alive), Route("/readyz", ready)]


def metrics(page: Callable[[], Awaitable[Response]], *, token: str) -> list[Route]:
    """`/metrics`, for whoever bears the token; without one, for whoever asks from this machine and through no proxy."""

    async def answer(request: Request) -> Response:
        if token and not _bears(request, token):
            headers = {"WWW-Authenticate": "Bearer"}
            return PlainTextResponse("needs FRONTDESK_METRICS_TOKEN", status_code=401, headers=headers)
        if not token and not _is_from_here(request):
            return PlainTextResponse("only for this machine: set FRONTDESK_METRICS_TOKEN", status_code=403)
        return await page()

    return [Route("/metrics", answer)]


def shop(brand: str, account: str) -> list[Route]:
    """The example shop's page, with the widget in its corner."""
    page = (_DEMO / "shop.html").read_text(encoding="utf-8")
    page = page.replace("{brand}", escape(brand)).replace("{account}", escape(account))

    async def home(request: Request) -> Response:
        headers = {"Content-Security-Policy": _SHOP_POLICY, "Cache-Control": "no-cache"}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    def file(name: str) -> Route:
        async def answer(request: Request) -> Response:
            return FileResponse(_DEMO / name, headers={"X-Content-Type-Options": "nosniff"})

        return Route(f"/{name}", answer)

    return [Route("/", home), file("shop.css"), file("shop.svg")]


def _door(path: str) -> Door:
    if path.startswith(_CONSOLE):
        return "console"
    return "widget" if path.startswith(_WIDGET) else "other"


_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def _is_from_here(request: Request) -> bool:
    """A proxy on this machine also calls from here, for anybody."""
    if request.client is None or any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _bears(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def _host(scope: Scope) -> str:
    for name, value in scope.get("headers", ()):
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host if host.endswith("]") else host.rpartition(":")[0] or host
    return ""


async def _refuse_host(scope: Scope, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    text = "This server does not answer to that name: add it to `hosts` in frontdesk.yaml."
    await PlainTextResponse(text, status_code=421)(scope, receive, send)
