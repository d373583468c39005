"""The widget's own files, as `web/build.py` made them: public scripts that any page may load.

They are held in memory, so a request opens no path that it names. Without them a page gets a word of explanation.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.types import Receive, Scope, Send

from channels.web.origins import Headers, header

STATIC = Path(__file__).parent / "static"
LOADER = "loader.js"
BUILD = "build.json"
"""Written last by the build: without it the folder is not finished."""

_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_HASHED = re.compile(r"-[\w-]{8}\.\w+$")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
_PUBLIC: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_MISSING_LOADER = b'console.warn("Frontdesk: the chat is not built on this server; run `make web` there.");\n'
_MISSING_PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Not built</title>
<p>The chat widget is not built on this server. Run <code>make web</code> there, then reload this page.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    kind: bytes
    cache: bytes
    forms: dict[str, tuple[bytes, bytes]]
    """Encoding (empty: none) to content and ETag."""


class Assets:
    """An ASGI application for `/widget/{path}`."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._built_at: int | None = None
        self._files: dict[str, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(scope, send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        files, name = self._present(), scope["path_params"]["path"]
        if not files:
            await _explain(scope, send, name)
        elif file := files.get(name):
            await _serve(scope, send, file)
        else:
            plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
            await _respond(scope, send, 404, b"There is no such file.\n", plain)

    def _present(self) -> dict[str, _File]:
        """What the last finished build made; a new build is noticed."""
        try:
            built_at = (self._folder / BUILD).stat().st_mtime_ns
        except OSError:
            return {}
        if built_at != self._built_at:
            self._files, self._built_at = _read(self._folder), built_at
        return self._files


def _read(folder: Path) -> dict[str, _File]:
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    forms = {ending for _, ending in _ENCODINGS}
    return {name: _file(name, contents) for name in contents if Path(name).suffix not in forms}


def _file(name: str, contents: dict[str, bytes]) -> _File:
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    cache = "public, max-age=31536000, immutable" if _HASHED.search(name) else "no-cache"
    digest = hashlib.sha256(contents[name]).hexdigest()[:20]
    forms = {"": (contents[name], f'"{digest}"'.encode())}
    for encoding, ending in _ENCODINGS:
        if name + ending in contents:
            forms[encoding] = (contents[name + ending], f'"{digest}-{encoding}"'.encode())
    return _File(kind.encode(), cache.encode(), forms)


async def _serve(scope: Scope, send: Send, file: _File) -> None:
    encoding = _accepted(header(scope, b"accept-encoding") or "", file.forms)
    body, etag = file.forms[encoding]
    headers: Headers = [
        (b"content-type", file.kind),
        (b"cache-control", file.cache),
        (b"etag", etag),
        (b"vary", b"Accept-Encoding"),
    ]
    if encoding:
        headers.append((b"content-encoding", encoding.encode()))
    if etag.decode() in (header(scope, b"if-none-match") or ""):
        await _respond(scope, send, 304, b"", headers)
    else:
        await _respond(scope, send, 200, body, headers)


def _accepted(accept: str, forms: dict[str, tuple[bytes, bytes]]) -> str:
    wanted = {}
    for choice in accept.lower().split(","):
        name, _, weight = choice.partition(";")
        wanted[name.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name, _ in _ENCODINGS if name in forms and wanted.get(name)), "")


async def _explain(scope: Scope, send: Send, name: str) -> None:
    if name == LOADER:
        # With another status the page's browser would not run it, and nobody would read why there is no chat.
        headers: Headers = [(b"content-type", _TYPES[".js"].encode()), (b"cache-control", b"no-cache")]
        await _respond(scope, send, 200, _MISSING_LOADER, headers)
    else:
        headers = [(b"content-type", _TYPES[".html"].encode()), (b"cache-control", b"no-store")]
        await _respond(scope, send, 503, _MISSING_PAGE, headers)


async def _respond(scope: Scope, send: Send, status: int, body: bytes, headers: Headers) -> None:
    length: Headers = [] if status == 304 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*_PUBLIC, *length, *headers]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
