"""Files that flows show: they lie in `files/` beside them, and are checked when the project is read."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msgspec import Struct

from bot.flow.conditions import hint
from bot.mime import ENDINGS, SHOWN, allowed, ending_of, type_of
from bot.ports import KEPT

FOLDER = "files"
MOST_PICTURE, MOST_FILE = 5 * 1024 * 1024, 10 * 1024 * 1024
"""Bytes: what every platform takes."""


class FlowFile(Struct, frozen=True):
    path: str
    """Within the project, `files/map.png`."""
    ref: str
    """Of the file as it was when the project was read."""
    type: str
    size: int

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class BadFlowFile(ValueError):
    """What is wrong with it, in words for the author."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The files of a project, as its flows name them."""

    look: Callable[[str], FlowFile]
    used: dict[str, FlowFile] = field(default_factory=dict)
    """By path."""

    def find(self, path: str, *, picture: bool) -> FlowFile:
        """Raises `BadFlowFile`."""
        found = self.look(path)
        if picture and found.type not in SHOWN:
            raise BadFlowFile(f"{path!r} is no picture that every channel shows: make it a PNG, JPEG, GIF or WebP")
        if picture and found.size > MOST_PICTURE:
            raise BadFlowFile(f"{path!r} has {_megabytes(found.size)}; a picture may have {_megabytes(MOST_PICTURE)}")
        self.used[path] = found
        return found


def in_folder(folder: Path) -> Callable[[str], FlowFile]:
    """Looks files up where a project lies; each is read once."""
    known: dict[str, FlowFile] = {}

    def look(path: str) -> FlowFile:
        if path not in known:
            known[path] = _read(folder, path)
        return known[path]

    return look


def as_published(files: Mapping[str, FlowFile]) -> Callable[[str], FlowFile]:
    """Those of an older version: they are kept, whatever has become of the project's own."""

    def look(path: str) -> FlowFile:
        if path not in files:
            raise BadFlowFile(f"{path!r} was not published with it")
        return files[path]

    return look


def _read(folder: Path, path: str) -> FlowFile:
    parts = PurePosixPath(path).parts
    whole, own = folder / path, folder / FOLDER
    if parts[:1] != (FOLDER,) or len(parts) < 2 or ".." in parts or "\\" in path or not path.isprintable():
        raise BadFlowFile(f"{path!r} is no file of this project: it lies in files/ beside the flows, as files/map.png")
    if not whole.is_file():
        names = [each.relative_to(folder).as_posix() for each in own.rglob("*") if each.is_file()]
        raise BadFlowFile(f"{path!r} is not there{hint(path, names)}")
    if not whole.resolve().is_relative_to(own.resolve()):
        raise BadFlowFile(f"{path!r} leads out of files/: put the file itself there")
    size = whole.stat().st_size
    if not 0 < size <= MOST_FILE:
        told = f"has {_megabytes(size)}; a file may have {_megabytes(MOST_FILE)}" if size else "is empty"
        raise BadFlowFile(f"{path!r} {told}")
    content = whole.read_bytes()
    type = type_of(content, path)
    if not allowed(type, path):
        raise BadFlowFile(f"{path!r} {_disagreeing(type, path)}")
    return FlowFile(path, f"{KEPT}{hashlib.sha256(content).hexdigest()}", type, len(content))


def _disagreeing(type: str, path: str) -> str:
    if type not in ENDINGS:
        return "is of a kind that is not sent to customers; pictures, sounds, films, PDF, office documents and text are"
    return f"is {type} by what is in it, whatever its ending {ending_of(path)!r} says: name it .{ENDINGS[type][0]}"


def _megabytes(size: int) -> str:
    """Rounded up: what is too large is never told to be as large as it may be."""
    return f"{math.ceil(size * 10 / 1024 / 1024) / 10:g} MB"
