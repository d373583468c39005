"""`frontdesk graph`: a flow as a picture."""

from __future__ import annotations

from pathlib import Path

from bot.errors import SettingsError
from bot.flow.book import Book
from bot.flow.conditions import hint
from bot.flow.drawing.mermaid import mermaid
from bot.flow.drawing.svg import svg
from bot.flow.graph import graph


def drawn(book: Book, name: str, *, as_svg: bool) -> str:
    flow = book.flows.get(name)
    if flow is None:
        raise SettingsError(f"there is no flow {name!r}{hint(name, book.flows)}; there are: {', '.join(book.flows)}")
    found = graph(book, flow)
    return svg(found) if as_svg else mermaid(found)


def write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}") from error
