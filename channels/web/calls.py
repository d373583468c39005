"""The HTTP side: tokens, and the SSE + POST carrier for where a WebSocket does not pass.

`GET /api/widget/stream?conversation=&after=` tells what a socket would tell, `POST /api/widget/frames?conversation=`
takes one frame and answers with what a socket would answer, or 204. A refusal is a problem (RFC 9457) whose members are
those of the `refused` frame. Tokens travel in `Authorization` (and in `hello`), never in an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, assert_never
from urllib.parse import parse_qs

import msgspec
from starlette.types import Receive, Scope, Send

from bot.errors import StoreDown
from bot.people import zone_named
from channels.web.audience import encode
from channels.web.door import Door
from channels.web.frames import (
    AskOlder,
    Bye,
    ClientFrame,
    Hello,
    Older,
    Pong,
    Press,
    Read,
    RefusedFrame,
    Say,
    ServerFrame,
    Stop,
    Submit,
    TokenGrant,
    TokenRequest,
    TypingNow,
    Welcome,
)
from channels.web.history import cursor, welcome
from channels.web.intake import read_frame
from channels.web.limits import address_of
from channels.web.line import PING, SILENT_AFTER, Line, Queued
from channels.web.origins import Headers, cors, header, is_admitted, preflight
from channels.web.refusals import STATUSES, refused, unavailable
from channels.web.socket import forgive
from channels.web.tokens import TOKEN_SECONDS, Visitor, identity_of, new_secret

_BODY_SECONDS = 10.0
_GOODBYE_SECONDS = 1.0
_TOKEN_BODY = 4 * 1024
_LANGUAGE = 35

_json = msgspec.json.Encoder().encode
_read_request = msgspec.json.Decoder(TokenRequest).decode

_COMMENT = b": ping\n\n"


class Call:
    """What all calls share: whose page asks, and how an answer is written. An ASGI application."""

    method = "POST"

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_admitted(scope, self._door.origins):
            await respond(send, 403, encode(refused("origin")), [(b"vary", b"Origin"), _PROBLEM])
        elif scope["method"] == "OPTIONS":
            await respond(send, 204, b"", preflight(scope))
        elif scope["method"] != self.method:
            allow = (b"allow", f"{self.method}, OPTIONS".encode())
            await respond(send, 405, encode(refused("bad_frame")), [*cors(scope), _PROBLEM, allow])
        else:
            await self.serve(scope, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    def visitor(self, scope: Scope) -> Visitor | None:
        given = header(scope, b"authorization") or ""
        scheme, _, token = given.partition(" ")
        return self._door.tokens.verify(token) if scheme.lower() == "bearer" else None


class GrantToken(Call):
    """`POST /api/widget/token`. Writes nothing."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, send, await self._grant(scope, receive))

    async def _grant(self, scope: Scope, receive: Receive) -> TokenGrant | RefusedFrame:
        door = self._door
        if wait := door.grants.take(address_of(scope)):
            return refused("rate", wait=round(wait + 0.05, 1))
        body = await read_body(scope, receive, _TOKEN_BODY)
        if isinstance(body, RefusedFrame):
            return body
        try:
            request = _read_request(body)
        except (ValueError, RecursionError):
            return refused("bad_frame")
        if request.account != door.settings.account:
            return refused("unknown_conversation", "There is no chat of this name here.")
        language = _language(request.locale) or _language((header(scope, b"accept-language") or "").partition(",")[0])
        identity, secret = identity_of(request.secret), None
        if identity is None:  # None held, or what is held is none.
            secret = new_secret(door.random)
            identity = identity_of(secret)
            assert identity is not None
        return TokenGrant(
            token=door.tokens.grant(identity, language, zone_named(request.zone)),
            seconds=TOKEN_SECONDS,
            greeting=door.greeting(language),
            secret=secret or msgspec.UNSET,
        )


class PostFrame(Call):
    """`POST /api/widget/frames`: one frame of the client. `hello` answers `welcome`, which is polling."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, send, await self._take(scope, receive))

    async def _take(self, scope: Scope, receive: Receive) -> ServerFrame | None:
        door, visitor = self._door, self.visitor(scope)
        if visitor is None:
            return refused("token")
        body = await read_body(scope, receive, door.settings.limits.frame_bytes)
        if isinstance(body, RefusedFrame):
            return body
        frame = read_frame(body, door.settings.limits.frame_bytes)
        if isinstance(frame, RefusedFrame):
            return frame
        thread = frame.conversation if isinstance(frame, Hello) else query(scope, "conversation")
        if not door.history.is_thread(thread):
            return refused("unknown_conversation")
        try:
            return await self._do(frame, body, visitor, thread, address_of(scope))
        except StoreDown:
            return unavailable()

    async def _do(
        self, frame: ClientFrame, body: bytes, visitor: Visitor, thread: str, address: str
    ) -> ServerFrame | None:
        door, key = self._door, (visitor.identity, thread)
        match frame:
            case Hello():
                return await self._hello(frame, address)
            case Pong() | Read() | Bye():
                return None
            case _ if not thread:
                id = frame.id if isinstance(frame, Say | Press | Submit) else None
                return refused("unknown_conversation", id=id)
            case Say() | Press() | Submit():
                return await door.take(frame, raw=body, visitor=visitor, thread=thread, address=address)
            case AskOlder(before):
                return await self._older(key, before, address)
            case TypingNow():
                if conversation := await door.conversation_of(key):
                    door.typing(conversation, visitor.identity)
            case Stop():
                if conversation := await door.conversation_of(key):
                    door.stop(conversation, visitor.identity)
            case never:
                assert_never(never)
        return None

    async def _hello(self, frame: Hello, address: str) -> Welcome | RefusedFrame:
        door, visitor = self._door, self._door.tokens.verify(frame.token)
        if visitor is None:
            return refused("token")
        if wait := door.reads.take(address):
            return refused("rate", wait=round(wait + 0.05, 1))
        thread, after = frame.conversation or await door.history.latest(visitor.identity), cursor(frame.after)
        row = await door.history.find(visitor.identity, thread)
        events = await door.history.opening(row.id, after) if row else ()
        greeting = door.greeting((row and row.language) or visitor.language)
        return welcome(thread, row, events, after, history=door.history, greeting=greeting, limits=door.limits)

    async def _older(self, key: tuple[str, str], before: int, address: str) -> Older | RefusedFrame:
        if wait := self._door.reads.take(address):
            return refused("rate", wait=round(wait + 0.05, 1))
        conversation = await self._door.conversation_of(key)
        if conversation is None:
            return refused("unknown_conversation")
        return await self._door.history.older(conversation, before)


class Stream(Call):
    """`GET /api/widget/stream`: server-sent events. `id:` is the seq, so `Last-Event-ID` resumes exactly."""

    method = "GET"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor, address = self.visitor(scope), address_of(scope)
        if visitor is None:
            await answer(scope, send, refused("token"))
        elif not self._door.admits:
            await answer(scope, send, unavailable())
        elif not self._door.connections.enter(address):
            full = refused("rate", "Too many chats are open from here.", wait=SILENT_AFTER)
            await answer(scope, send, full)
        else:
            try:
                await self._stream(scope, receive, send, address)
            finally:
                self._door.connections.leave(address)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        token = (header(scope, b"authorization") or "").partition(" ")[2]
        hello = Hello(token, query(scope, "conversation"), _after(scope))
        line = Line(self._door, send, _events, address=address, watched=False)
        has_started = False
        try:
            if refusal := await line.hello(hello):
                await answer(scope, send, refusal)
                return
            await send({"type": "http.response.start", "status": 200, "headers": [*cors(scope), *_STREAM]})
            has_started = True
            await line.start()
            while not line.cut_with:
                if (await receive())["type"] == "http.disconnect":
                    return
        except OSError:
            return  # The other side is gone.
        except asyncio.CancelledError:
            if not line.cut_with or not forgive():
                raise
        finally:
            await line.end()
        if not has_started:
            await answer(scope, send, unavailable())
            return
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (OSError, TimeoutError):
            pass


_PROBLEM = (b"content-type", b"application/problem+json")
_JSON = (b"content-type", b"application/json")
_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx would keep it back.
]


async def answer(scope: Scope, send: Send, told: ServerFrame | TokenGrant | None) -> None:
    headers = cors(scope)
    match told:
        case None:
            await respond(send, 204, b"", headers)
        case RefusedFrame(code=code, wait=wait):
            headers.append(_PROBLEM)
            if wait is not None:
                headers.append((b"retry-after", str(max(1, round(wait + 0.5))).encode()))
            await respond(send, STATUSES[code], _json(told), headers)
        case _:
            await respond(send, 200, _json(told), [*headers, _JSON])


async def respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    fixed: Headers = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if status != 204:
        fixed.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


async def read_body(scope: Scope, receive: Receive, most_bytes: int) -> bytes | RefusedFrame:
    """The whole body; no more of it than `most_bytes` is ever kept."""
    length = header(scope, b"content-length") or ""
    if length.isdigit() and (len(length) > 18 or int(length) > most_bytes):
        return refused("too_large")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return refused("bad_frame")  # Half of it; nobody is there to read this.
                body += message.get("body", b"")
                if len(body) > most_bytes:
                    return refused("too_large")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return refused("bad_frame", "This came too slowly.")


def _events(queued: Queued) -> MutableMapping[str, Any]:
    body = b"".join(_event(frame, seq) for frame, seq in queued)
    return {"type": "http.response.body", "body": body, "more_body": True}


def _event(frame: bytes, seq: int) -> bytes:
    if frame is PING:
        return _COMMENT
    return b"id: %d\ndata: %b\n\n" % (seq, frame) if seq else b"data: %b\n\n" % frame


def query(scope: Scope, name: str) -> str:
    """The value of a parameter; what cannot be read is a conversation that does not exist, a cursor that is 0."""
    try:
        values: list[str] = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=10).get(name, [""])
    except ValueError:
        return "?"
    return values[-1]


def _after(scope: Scope) -> int:
    given = header(scope, b"last-event-id") or query(scope, "after")
    return int(given) if given.isdecimal() and given.isascii() and len(given) < 18 else 0


def _language(given: str) -> str:
    """A BCP 47 tag as far as its letters go; empty: none."""
    tag = given.partition(";")[0].strip()
    return tag if len(tag) <= _LANGUAGE and tag.isascii() and tag.replace("-", "").isalnum() else ""
