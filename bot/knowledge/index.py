"""Brings a folder of markdown documents into the store: what changed is put, what is gone is dropped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from bot.clean import clean
from bot.errors import SettingsError
from bot.knowledge.split import Section, split
from bot.knowledge.terms import VERSION, terms
from bot.markup import parse
from bot.ports import Clock, Store
from bot.units import Documents, DropDocument, IndexedPassage, PutDocument

MOST_BYTES = 1_000_000
_LANGUAGE = re.compile(r"\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)$")


@dataclass(frozen=True, slots=True)
class Indexed:
    """Names of documents, sorted."""

    put: tuple[str, ...]
    dropped: tuple[str, ...]
    same: tuple[str, ...]


async def index(folder: Path, store: Store, clock: Clock, *, language: str, within: str | None = None) -> Indexed:
    """Make the store hold the markdown files below the folder as documents, and no others.

    A document is named by its path below the folder. Its language is what its front matter says, else its suffix
    (`refunds.fr.md`), else `language`. Raises `SettingsError`, with nothing written, for a file that is no document.

    `within`: what the names of this folder's documents begin with, and of no other's; None: there is no other folder.
    """
    documents = await asyncio.to_thread(lambda: list(_documents(folder, language, clock.now(), within or "")))
    known = {document.name: document.digest for document in await store.read(Documents(within))}
    changed = [document for document in documents if known.get(document.name) != document.digest]
    gone = sorted(known.keys() - {document.name for document in documents})
    for document in changed:
        await store.write(document)
    for name in gone:
        await store.write(DropDocument(name))
    names = {document.name for document in changed}
    return Indexed(put=tuple(sorted(names)), dropped=tuple(gone), same=tuple(sorted(known.keys() - names - set(gone))))


def document(name: str, content: bytes, *, language: str, at: datetime) -> PutDocument:
    """A file as the store takes it. Raises `SettingsError` for what is too large, no UTF-8, or has bad front matter."""
    if len(content) > MOST_BYTES:
        raise SettingsError(f"document {name!r} has {len(content)} bytes, more than {MOST_BYTES}: split it")
    try:
        parts = split(clean(content.decode()))
    except UnicodeDecodeError as error:
        raise SettingsError(f"document {name!r} is no UTF-8: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"document {name!r}: {error}") from error
    stem = name.rpartition("/")[2].removesuffix(".md")
    suffix = _LANGUAGE.search(stem)
    spoken = parts.language or (suffix[1] if suffix else language)
    title = parts.title or _LANGUAGE.sub("", stem).replace("-", " ").replace("_", " ").capitalize()
    return PutDocument(
        name=name,
        title=title,
        language=spoken,
        address=parts.address,
        digest=sha256(f"{VERSION}\0{language}\0".encode() + content).digest(),
        passages=tuple(_passage(title, section, spoken) for section in parts.sections),
        at=at,
    )


def _documents(folder: Path, language: str, at: datetime, within: str) -> Iterator[PutDocument]:
    for path in sorted(folder.rglob("*.md")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found = document(name.as_posix(), path.read_bytes(), language=language, at=at)
            yield replace(found, name=within + found.name)


def _passage(title: str, section: Section, language: str) -> IndexedPassage:
    characters = "".join(span.text for span in parse(section.text))
    found_by = " \n".join((title, section.heading, characters))
    return IndexedPassage(heading=section.heading, text=section.text, terms=terms(found_by, language))
