"""`frontdesk schema`: what an editor needs to complete and check a project's files while they are written."""

from __future__ import annotations

import json
from pathlib import Path

from bot.errors import SettingsError
from bot.flow.book import Book
from bot.flow.schema import FILES, File, Names, proposed, schema


def names_of(book: Book) -> Names:
    return proposed(
        {
            "flow": book.flows,
            "action": book.actions,
            "queue": book.assistant.queues,
            "type": book.slot_types,
            "language": book.assistant.languages,
        }
    )


def as_text(file: File, names: Names) -> str:
    return json.dumps(schema(file, names), indent=1, ensure_ascii=False) + "\n"


def write_all(folder: Path, names: Names) -> list[Path]:
    """`flow.json` and so on, in that folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{file}.json" for file in FILES]
        for file, path in zip(FILES, paths, strict=True):
            path.write_text(as_text(file, names), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror or error}") from error
    return paths
