"""What all sandboxes have around the platform they stand for: the chat page, the customer's side, faults, the log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.ports import Clock
from channels.sandbox.faults import Faults, Rule
from channels.sandbox.journal import Journal
from channels.sandbox.point import how

_PAGE = Path(__file__).parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class BadAct(Exception):
    """What the customer's side was asked to do cannot be done; the message says why and what can be."""


class Sandbox(Protocol):
    """One platform's stand-in."""

    name: str
    """`telegram`, `slack`, ...: also the theme of its chat page."""
    journal: Journal
    faults: Faults

    def routes(self) -> Sequence[BaseRoute]:
        """The platform's own paths."""

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        """What a person does: `say press submit edit delete react upload member`, ... Raises `BadAct`."""

    def seen(self) -> Any:
        """What that person sees now; its shape is told in docs/reference/sandbox.md, and the chat page draws it."""

    def told(self) -> Mapping[str, str]:
        """What a developer needs to point a client here: name to value; `{address}` stands for where it listens."""

    async def close(self) -> None:
        """End connections and what runs."""


class CutHere(Exception):
    """Raised by the body of a `Streamed`: the connection ends before the body does."""


class Cut(Response):
    """No answer: the connection just ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _end(scope, receive)


class Streamed(Response):
    """A body piece by piece, which ends early when the client goes away or `CutHere` is raised."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(media_type=media_type)
        self._pieces = pieces
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and isinstance(sending.exception(), CutHere):
                await _end(scope, receive)
            elif sending.done():
                sending.result()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def left(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(scope: Scope, receive: Receive) -> None:
    if "frontdesk.close" not in scope:
        raise ConnectionResetError("the sandbox cut this connection")  # a client without a socket
    scope["frontdesk.close"]()
    await left(receive)


def slowly(answer: Response, speed: float, clock: Clock) -> Response:
    """The same answer at so many bytes a second."""

    async def pieces() -> AsyncIterator[bytes]:
        left, some = bytes(answer.body), max(1, int(speed / 20))
        while left:
            piece, left = left[:some], left[some:]
            await clock.sleep(len(piece) / speed)
            yield piece

    return StreamingResponse(pieces(), answer.status_code, dict(answer.headers))


def told(sandbox: Sandbox, address: str) -> dict[str, str]:
    return {name: value.replace("{address}", address) for name, value in sandbox.told().items()}


def app(sandbox: Sandbox, ending: asyncio.Event | None = None) -> Starlette:
    """The platform's paths, and below `/_/` and at `/` what the real one has not. `ending` ends what stays open."""
    ended = ending or asyncio.Event()

    async def page(request: Request) -> Response:
        return FileResponse(_PAGE / "page.html", headers={"Content-Security-Policy": _POLICY})

    async def asset(request: Request) -> Response:
        path = _PAGE / request.path_params["name"]
        if path.parent != _PAGE or path.suffix not in (".js", ".css", ".svg") or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path, headers={"X-Content-Type-Options": "nosniff"})

    async def about(request: Request) -> Response:
        address = str(request.base_url).rstrip("/")
        known = told(sandbox, address)
        return _json(
            {"name": sandbox.name, "address": address, "told": known, "how": how(sandbox.name, known, address)}
        )

    async def seen(request: Request) -> Response:
        return _json(sandbox.seen())

    async def log(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", 0))
        except ValueError:
            return _json({"error": "`after` is the number of an entry"}, 400)
        return _json(sandbox.journal.after(max(after, 0)))

    async def live(request: Request) -> Response:
        return StreamingResponse(_changes(sandbox.journal, ended), media_type="text/event-stream")

    async def faults(request: Request) -> Response:
        if _is_foreign(request):
            return _FOREIGN
        if request.method == "GET":
            return _json(sandbox.faults.rules())
        try:
            rules = msgspec.json.decode(await request.body(), type=list[Rule])
            seed = request.query_params.get("seed")
            sandbox.faults.script(rules, seed=int(seed) if seed is not None else None)
        except (msgspec.MsgspecError, ValueError) as error:
            return _json(
                {"error": f"{error}; a script is [{{on: METHOD, nth: 2, do: {{status: 429, after: 3}}}}]"}, 400
            )
        sandbox.journal.touch()
        return _json({"rules": len(rules)})

    async def act(request: Request) -> Response:
        if _is_foreign(request):
            return _FOREIGN
        try:
            body = await _body(request)
            return _json(await sandbox.act(request.path_params["what"], body))
        except (BadAct, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, 400)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/_/about", about),
            Route("/_/seen", seen),
            Route("/_/log", log),
            Route("/_/live", live),
            Route("/_/faults", faults, methods=["GET", "PUT"]),
            Route("/_/page/{name}", asset),
            Route("/_/{what}", act, methods=["POST"]),
            *sandbox.routes(),
        ]
    )


def _is_foreign(request: Request) -> bool:
    """A page of another site that a developer has open may not play the customer."""
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")


async def _body(request: Request) -> Mapping[str, Any]:
    """JSON; or a form, whose files come as (name, type, bytes)."""
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        raw = await request.body()
        return msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
    async with request.form() as form:
        return {
            name: value
            if isinstance(value, str)
            else (value.filename or "file", value.content_type or "application/octet-stream", await value.read())
            for name, value in form.items()
        }


async def _changes(journal: Journal, ended: asyncio.Event) -> AsyncIterator[str]:
    """A line whenever there is something new; a browser's `EventSource` reads it."""
    end = asyncio.ensure_future(ended.wait())
    changed = asyncio.ensure_future(journal.changed())
    try:
        yield f"data: {len(journal.entries)}\n\n"
        while not ended.is_set():
            await asyncio.wait((changed, end), timeout=15, return_when=asyncio.FIRST_COMPLETED)
            if changed.done():
                changed = asyncio.ensure_future(journal.changed())
                yield f"data: {len(journal.entries)}\n\n"
            elif not end.done():
                yield ": still here\n\n"
    finally:
        end.cancel()
        changed.cancel()


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


_FOREIGN = _json({"error": "only the sandbox's own page and programs without an Origin may do this"}, 403)


@asynccontextmanager
async def serving(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve on this loop until left; gives the address, `http://127.0.0.1:41234`."""
    with socket.create_server((host, port), backlog=2048) as listener:
        address, ending = f"http://{host}:{listener.getsockname()[1]}", asyncio.Event()
        if hasattr(sandbox, "address"):  # some platforms tell clients where they are
            sandbox.address = address
        config = uvicorn.Config(
            app(sandbox, ending),
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,
            http=_Http,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        running = asyncio.create_task(_Server(config, ending).serve(sockets=[listener]))
        try:
            yield address
        finally:
            await sandbox.close()
            ending.set()
            await running


class _Server(uvicorn.Server):
    """Signals belong to the program around it, and that ends it by an event instead of being looked at every 100 ms."""

    def __init__(self, config: uvicorn.Config, ending: asyncio.Event) -> None:
        super().__init__(config)
        self._ending = ending

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ending.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Http(HttpToolsProtocol):
    """ASGI knows no way to end a connection without an answer."""

    def on_headers_complete(self) -> None:
        cast(dict[str, Any], self.scope)["frontdesk.close"] = self.transport.close
        super().on_headers_complete()
