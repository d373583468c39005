"""Interactions over HTTP: signed with Ed25519 over time and body, which is looked at before anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.ports import ASGI, Clock

log = structlog.get_logger()

LONGEST = 1 << 20
APART = 300.0
"""Seconds between their clock and ours."""


class _Kind(msgspec.Struct):
    type: int


def hook(public_key: str, answer: Callable[[bytes], Awaitable[Any]], clock: Clock) -> ASGI:
    """Raises nothing: whatever fails in verification is a 401, whatever fails behind it a 503."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))

    def is_signed(request: Request, raw: bytes) -> bool:
        try:
            at = request.headers["x-signature-timestamp"]
            key.verify(bytes.fromhex(request.headers["x-signature-ed25519"]), at.encode() + raw)
            return abs(clock.now().timestamp() - float(at)) <= APART
        except Exception:
            return False

    async def respond(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        raw = await _body(request)
        if raw is None:
            return Response(status_code=413)
        if not is_signed(request, raw):
            return Response(status_code=401)
        try:
            is_ping = msgspec.json.decode(raw, type=_Kind).type == 1
        except (ValueError, RecursionError):  # msgspec's own errors are of the first
            is_ping = False
        if is_ping:
            return _json({"type": 1})
        try:
            return _json(await answer(raw))
        except Exception as error:
            log.error("discord.not_accepted", why=type(error).__name__)
            return Response(status_code=503, headers={"Retry-After": "5"})

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        typed: Scope = scope
        response = await respond(Request(typed, receive))
        await response(typed, receive, send)

    return app


async def _body(request: Request) -> bytes | None:
    """None: it is too large."""
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > LONGEST:
            return None
    return bytes(raw)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
