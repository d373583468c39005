"""What all sandboxes have around the platform they stand for: the chat page, the customer's side, faults, the log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from channels.sandbox.faults import Faults, Rule
from channels.sandbox.journal import Journal

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
        """What a developer needs to point a client here: name to value."""

    async def close(self) -> None:
        """End connections and what runs."""


def app(sandbox: Sandbox) -> Starlette:
    """The platform's paths, and below `/_/` and at `/` what the real one has not."""

    async def page(request: Request) -> Response:
        return FileResponse(_PAGE / "page.html", headers={"Content-Security-Policy": _POLICY})

    async def asset(request: Request) -> Response:
        path = _PAGE / request.path_params["name"]
        if path.parent != _PAGE or path.suffix not in (".js", ".css", ".svg") or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path, headers={"X-Content-Type-Options": "nosniff"})

    async def about(request: Request) -> Response:
        return _json({"name": sandbox.name, "told": dict(sandbox.told())})

    async def seen(request: Request) -> Response:
        return _json(sandbox.seen())

    async def log(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", 0))
        except ValueError:
            return _json({"error": "`after` is the number of an entry"}, 400)
        return _json(sandbox.journal.after(max(after, 0)))

    async def live(request: Request) -> Response:
        return StreamingResponse(_changes(sandbox.journal), media_type="text/event-stream")

    async def faults(request: Request) -> Response:
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
            Route("/_/faults", faults, methods=["PUT"]),
            Route("/_/page/{name}", asset),
            Route("/_/{what}", act, methods=["POST"]),
            *sandbox.routes(),
        ]
    )


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


async def _changes(journal: Journal) -> AsyncIterator[str]:
    """A line whenever there is something new; a browser's `EventSource` reads it."""
    yield "data: 0\n\n"
    while True:
        changed = asyncio.ensure_future(journal.changed())
        await asyncio.wait((changed,), timeout=15)
        yield f"data: {len(journal.entries)}\n\n" if changed.done() else ": still here\n\n"
        changed.cancel()


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


@asynccontextmanager
async def serving(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve on this loop until left; gives the address, `http://127.0.0.1:41234`."""
    with socket.create_server((host, port), backlog=2048) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        server = _Server(
            uvicorn.Config(
                app(sandbox),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield address
        finally:
            await sandbox.close()
            server.should_exit = True
            await running


class _Server(uvicorn.Server):
    """Signals belong to the program around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
