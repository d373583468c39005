"""A copy of an SQLite file, taken while it is in use."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from bot.errors import StoreDown


def backup(path: Path, target: Path) -> None:
    """Copy to `target`, which is replaced once the copy is whole and has passed SQLite's integrity check.

    Raises `StoreDown` when there is nothing to copy, or the copy is not sound.
    """
    if not path.is_file():
        raise StoreDown(f"there is no database {str(path)!r}")
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as original:
                original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a log beside it
            found = [text for (text,) in copy.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise StoreDown(f"the copy of {str(path)!r} is not sound: {'; '.join(found[:3])}")
        descriptor = os.open(unfinished, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        unfinished.replace(target)
    except sqlite3.Error as error:
        raise StoreDown(f"{str(path)!r} cannot be copied: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
