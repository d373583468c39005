"""The console's page and its assets, as `web/build.py` leaves them in `static/`: held in memory, found by name only."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from channels.console.problems import SECURITY

STATIC = Path(__file__).parent / "static"

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
_HEADERS = {**SECURITY, "Content-Security-Policy": CONTENT_POLICY}

_MISSING = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Frontdesk</title>
<h1>The console is not built yet</h1>
<p>Run <code>make web</code> in the folder of this project, then reload this page.</p>
</html>
"""
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""The smallest first."""


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    kind: str
    packed: Mapping[str, bytes]
    """Encoding to the same content in it."""


class Pages:
    def __init__(self, static: Path = STATIC) -> None:
        self._static = static
        self._assets: dict[str, _Asset] = {}

    async def serve(self, request: Request) -> Response:
        """`/console` and everything below it: the page wherever the address names no file."""
        if "index.html" not in self._assets:
            self._assets = _read(self._static)
        if "index.html" not in self._assets:
            return Response(_MISSING, 503, {**_HEADERS, "Cache-Control": "no-store"}, "text/html")
        name = request.path_params.get("path", "").strip("/")
        if "." not in name.rpartition("/")[2]:
            name = "index.html"
        asset = self._assets.get(name)
        if asset is None:
            return Response(b"There is nothing at this address.\n", 404, _HEADERS, "text/plain")
        return _answer(request, name, asset)


def _read(static: Path) -> dict[str, _Asset]:
    if not (static / "index.html").is_file():
        return {}
    files = {path.relative_to(static).as_posix(): path for path in static.rglob("*") if path.is_file()}
    packed_names = tuple(ending for _, ending in _ENCODINGS)
    return {
        name: _Asset(
            path.read_bytes(),
            mimetypes.guess_type(name)[0] or "application/octet-stream",
            {encoding: files[name + end].read_bytes() for encoding, end in _ENCODINGS if name + end in files},
        )
        for name, path in files.items()
        if not name.endswith(packed_names)
    }


def _answer(request: Request, name: str, asset: _Asset) -> Response:
    # Hashed names never change their content; everything else is asked for again each time.
    cache = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
    headers = {**_HEADERS, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    body = asset.body
    wanted = _accepted(request.headers.get("accept-encoding", ""))
    for encoding, packed in asset.packed.items():
        if encoding in wanted:
            body, headers["Content-Encoding"] = packed, encoding
            break
    headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        headers.pop("Content-Encoding", None)
        return Response(None, 304, headers)
    return Response(body, 200, headers, asset.kind)


def _accepted(header: str) -> frozenset[str]:
    """Encodings the browser takes; one with the weight 0 is refused."""
    found = set[str]()
    for item in header.lower().split(","):
        name, _, parameters = item.partition(";")
        weight = parameters.strip().removeprefix("q=").strip()
        if not weight or weight.strip("0."):
            found.add(name.strip())
    return frozenset(found)
