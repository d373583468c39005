"""Which pages may talk to us: exact origins, asked for at every door. Pure.

This server's own pages are known by `Host`, so the program in front of this must refuse foreign values of it.
"""

from __future__ import annotations

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]

_HTTP = {"ws": "http", "wss": "https"}


def header(scope: Scope, name: bytes) -> str | None:
    """The one value of a header; None when it is missing or doubled."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def is_admitted(scope: Scope, allowed: frozenset[str]) -> bool:
    """Whether the page that asks is one of ours or one of `allowed`.

    A browser names the page's origin in every call that could change something and in every WebSocket handshake. It
    leaves it out of a page's reads from its own server alone, and says so in `Sec-Fetch-Site`.
    """
    origin = header(scope, b"origin")
    if origin is None:
        has_none = all(key != b"origin" for key, _ in scope["headers"])
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        return has_none and reads and header(scope, b"sec-fetch-site") == "same-origin"
    return origin in allowed or _is_own(scope, origin)


def cors(scope: Scope) -> Headers:
    """What lets an admitted page read the answer. Every answer varies by origin, also those without one."""
    headers: Headers = [(b"vary", b"Origin")]
    if origin := header(scope, b"origin"):
        headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
        headers.append((b"access-control-expose-headers", b"Retry-After"))
    return headers


def preflight(scope: Scope) -> Headers:
    """The answer to an admitted page that asks before it calls."""
    return [
        *cors(scope),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"Authorization, Content-Type, Last-Event-ID"),
        (b"access-control-max-age", b"600"),
    ]


def _is_own(scope: Scope, origin: str) -> bool:
    host = header(scope, b"host")
    scheme = scope["scheme"]
    return bool(host) and origin == f"{_HTTP.get(scheme, scheme)}://{host}"
