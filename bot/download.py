"""How a file of ours leaves over HTTP: pure, so that every door says the same.

Whoever sent it may have put anything into it, and it comes from the address of our own pages: so nothing in it may run.
Only what a browser draws or plays is shown in place; all else is saved, under a name that was cleaned.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from msgspec import Struct

from bot.mime import PLAYED, SHOWN, clean_name
from bot.ports import FileStore, Kept

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class Download(Struct, frozen=True):
    """An answer without its body: that is `length` bytes of the file, from `start` on."""

    status: int
    headers: Mapping[str, str]
    start: int = 0
    length: int = 0


def download(kept: Kept, name: str, *, range: str = "") -> Download:
    """`range`: the header of that name. One that makes no sense is ignored, one beyond the end is answered with 416."""
    shown = kept.type in SHOWN
    headers = {
        "Content-Type": f"{kept.type}; charset=utf-8" if kept.type.startswith("text/") else kept.type,
        "Content-Disposition": _disposition("inline" if shown else "attachment", clean_name(name, kept.type)),
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes" if kept.type in PLAYED else "none",
    }
    start, end = _range(range, kept.size) if kept.type in PLAYED else (0, kept.size)
    if start >= end and kept.size:
        return Download(416, {"Content-Range": f"bytes */{kept.size}", "Content-Length": "0"})
    headers["Content-Length"] = str(end - start)
    if end - start == kept.size:
        return Download(200, headers, 0, kept.size)
    return Download(206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{kept.size}"}, start, end - start)


async def body(files: FileStore, kept: Kept, told: Download) -> AsyncIterator[bytes]:
    left = told.length
    if not left:
        return
    async for piece in files.open(kept.ref, start=told.start):
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def _range(header: str, size: int) -> tuple[int, int]:
    """From where to where; all of it, unless one range is asked for (RFC 9110, 14.2)."""
    found = _RANGE.fullmatch(header.strip())
    first, last = found.groups() if found else ("", "")
    if first:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        return (start, end) if not last or int(last) >= start else (0, size)
    return (max(0, size - int(last)), size) if last else (0, size)


def _disposition(how: str, name: str) -> str:
    """RFC 6266: a plain name for old programs, and the whole one."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
