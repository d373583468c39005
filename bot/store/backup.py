"""A copy of an SQLite file, taken while it is in use."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from bot.errors import SettingsError, StoreDown


def backup(path: Path, target: Path, *, replace: bool = False) -> None:
    """Copy to `target`, which appears once the copy is whole and has passed SQLite's integrity check.

    With `replace` an older copy stands there until then. Raises `SettingsError` when the target cannot be one, and
    `StoreDown` when there is nothing to copy, the copy is not sound, or there is no room for it.
    """
    if not path.is_file():
        raise StoreDown(f"there is no database {str(path)!r}: FRONTDESK_DATA or FRONTDESK_DATABASE_URL names its place")
    _refuse(path, target, replace)
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        _clear(unfinished)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(path, unfinished)
            _settle(unfinished)
            unfinished.replace(target)
            _settle(target.parent)
        finally:
            _clear(unfinished)
    except OSError as error:
        raise StoreDown(f"the copy {str(target)!r} cannot be written: {error.strerror or error}") from error


def _refuse(path: Path, target: Path, replace: bool) -> None:
    if not target.parent.is_dir():
        raise SettingsError(f"the folder of the copy {str(target)!r} does not exist: make it first")
    if target.is_dir():
        raise SettingsError(f"the copy {str(target)!r} is a folder: name a file in it")
    if target.exists() and target.samefile(path):
        raise SettingsError(f"the copy {str(target)!r} is the database itself: name another file")
    if target.exists() and not replace:
        raise SettingsError(f"the copy {str(target)!r} exists: name another file, or say --replace")


def _copy(path: Path, unfinished: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as original:
                original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a log beside it
            found = [text for (text,) in copy.execute("PRAGMA integrity_check")]
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) in _CANNOT_WRITE:
            size = path.stat().st_size
            raise StoreDown(
                f"the copy of {str(path)!r} cannot be written ({error}): is there room for"
                f" {size / 1_000_000:.1f} MB in {str(unfinished.parent)!r}?"
            ) from error
        raise StoreDown(f"{str(path)!r} cannot be copied: {error}") from error
    if found != ["ok"]:
        raise StoreDown(f"the copy of {str(path)!r} is not sound: {'; '.join(found[:3])}")


_CANNOT_WRITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE)


def _clear(unfinished: Path) -> None:
    """With what SQLite leaves beside a file that it could not finish: the next copy must not meet it."""
    for name in ("", "-journal", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + name).unlink(missing_ok=True)


def _settle(place: Path) -> None:
    """On the disk, whatever happens to the machine next."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
