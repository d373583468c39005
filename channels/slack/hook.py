"""Slack's requests to us: capped, proved to be Slack's by the raw bytes, then heard. https://docs.slack.dev/apis/events-api"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.ports import ASGI, Clock
from channels.slack.parse import LARGEST

Take = Callable[[bytes], Awaitable[tuple[int, dict[str, Any]]]]
"""T0; gives the status, and what Slack wants within the acknowledgement."""


def hook(take: Take, *, secret: str, clock: Clock) -> ASGI:
    is_signed = _verifier(secret, clock)

    async def answer(request: Request) -> Response:
        raw = await _body(request)
        if raw is None:
            return PlainTextResponse("too large", 413)
        if not is_signed(raw, request):
            return PlainTextResponse("not signed by Slack", 401)
        status, said = await take(raw)
        headers = {"Retry-After": "5"} if status == 503 else None
        return JSONResponse(said, status, headers) if said else Response(b"", status, headers)

    return endpoint("POST", answer)


def endpoint(method: str, answer: Callable[[Request], Coroutine[Any, Any, Response]]) -> ASGI:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if request.method != method:
            response: Response = PlainTextResponse("not here", 405, headers={"Allow": method})
        else:
            response = await answer(request)
        await response(scope, receive, send)

    return asgi


def _verifier(secret: str, clock: Clock) -> Callable[[bytes, Request], bool]:
    from slack_sdk.signature import Clock as SignatureClock
    from slack_sdk.signature import SignatureVerifier

    class Now(SignatureClock):
        def now(self) -> float:
            return clock.now().timestamp()

    verifier = SignatureVerifier(secret, Now())

    def is_signed(raw: bytes, request: Request) -> bool:
        try:
            return verifier.is_valid(
                raw,
                request.headers.get("x-slack-request-timestamp"),
                request.headers.get("x-slack-signature"),
            )
        except Exception:  # a time that is no number, a signature that is not ASCII, a body that is not UTF-8
            return False

    return is_signed


async def _body(request: Request) -> bytes | None:
    """None: it is larger than anything Slack sends, or was never sent whole."""
    raw = bytearray()
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > LARGEST:
                return None
    except ClientDisconnect:
        return None
    return bytes(raw)
