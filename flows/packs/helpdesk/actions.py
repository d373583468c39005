"""The help desk's tickets, outages and accounts: a small SQLite file, made when it is first used.

A real help desk asks its own systems here. Flows only see these functions.
"""

from __future__ import annotations

import getpass
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from bot.errors import ActionFailed
from bot.flow.declare import action, slot_type

State = Literal["new", "working", "waiting", "closed"]


@dataclass(frozen=True)
class Ticket:
    known: bool
    state: State | Literal[""] = ""
    by: str = ""
    asks: str = ""
    """What is needed of the customer, while `waiting`."""
    solution: str = ""


@dataclass(frozen=True)
class Outage:
    known: bool
    what: str = ""
    until: str = ""


@slot_type("ticket_no", error="@not_a_ticket")
def ticket_no(words: str) -> str | None:
    """`T-104` out of `it is t 104`."""
    pieces = words.upper().replace("-", " ").replace("#", " ").split()
    pieces = ["".join(c for c in piece if c.isalnum()) for piece in pieces]
    joined = [*pieces, *(first + second for first, second in pairwise(pieces))]
    found = {piece[1:] for piece in joined if piece[:1] == "T" and piece[1:].isascii() and piece[1:].isdecimal()}
    return f"T-{found.pop()}" if len(found) == 1 else None


async def _opened_under(key: str) -> str | None:
    with _desk() as desk:
        row = desk.execute("SELECT number FROM tickets WHERE key = ?", (key,)).fetchone()
    return f"T-{row[0]}" if row else None


@action(effect="write", timeout="5s", check=_opened_under)
async def open_ticket(area: str, words: str, impact: str, email: str, key: str) -> str:
    with _desk() as desk:
        desk.execute(
            "INSERT INTO tickets (key, state, area, words, impact, email) VALUES (?, 'new', ?, ?, ?, ?)"
            " ON CONFLICT (key) DO NOTHING",
            (key, area, words, impact, email),
        )
        number = desk.execute("SELECT number FROM tickets WHERE key = ?", (key,)).fetchone()[0]
    return f"T-{number}"


@action(effect="read", timeout="5s")
async def find_ticket(number: str) -> Ticket:
    with _desk() as desk:
        row = desk.execute("SELECT state, by, asks, solution FROM tickets WHERE number = ?", (number[2:],)).fetchone()
    return Ticket(known=False) if row is None else Ticket(True, *row)


async def _added_under(key: str) -> bool | None:
    with _desk() as desk:
        return True if desk.execute("SELECT 1 FROM additions WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_added_under)
async def add_to_ticket(number: str, words: str, key: str, reopen: bool = False) -> bool:
    with _desk() as desk:
        desk.execute("INSERT INTO additions VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, number[2:], words))
        desk.execute("UPDATE tickets SET state = ? WHERE number = ?", ("new" if reopen else "working", number[2:]))
    return True


@action(effect="read", timeout="5s")
async def find_outage(site: str) -> Outage:
    with _desk() as desk:
        row = desk.execute("SELECT what, until FROM outages WHERE site = ?", (site,)).fetchone()
    return Outage(known=False) if row is None else Outage(True, *row)


async def _sent_under(key: str) -> bool | None:
    with _desk() as desk:
        return True if desk.execute("SELECT 1 FROM resets WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_sent_under, scopes=("accounts",))
async def send_reset(email: str, key: str) -> bool:
    with _desk() as desk:
        desk.execute("INSERT INTO resets VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, email))
    return True


# The file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, state TEXT NOT NULL, area TEXT NOT NULL, words TEXT NOT NULL,
    impact TEXT NOT NULL, email TEXT NOT NULL, by TEXT NOT NULL DEFAULT '', asks TEXT NOT NULL DEFAULT '',
    solution TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS additions (key TEXT PRIMARY KEY, number INTEGER NOT NULL, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outages (site TEXT PRIMARY KEY, what TEXT NOT NULL, until TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS resets (key TEXT PRIMARY KEY, email TEXT NOT NULL);
"""

_TICKETS = (
    (101, "101", "new", "", "", ""),
    (102, "102", "working", "Ines", "", ""),
    (103, "103", "waiting", "Ines", "which room is the printer in?", ""),
    (104, "104", "closed", "Omar", "", "the driver was renewed."),
)
_OUTAGES = (("depot", "a digger has cut the line to the depot.", "16:00"),)


@contextmanager
def _desk() -> Iterator[sqlite3.Connection]:
    """A transaction. Raises `ActionFailed`."""
    try:
        with closing(sqlite3.connect(_file(), timeout=2)) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'resets'").fetchone() is None:
                connection.executescript(_SCHEMA)
                connection.executemany(
                    "INSERT OR IGNORE INTO tickets (number, key, state, area, words, impact, email, by, asks, solution)"
                    " VALUES (?, ?, ?, '', '', '', '', ?, ?, ?)",
                    _TICKETS,
                )
                connection.executemany("INSERT OR IGNORE INTO outages VALUES (?, ?, ?)", _OUTAGES)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise ActionFailed(f"the help desk's file: {error}") from error


def _file() -> Path:
    given = os.environ.get("FRONTDESK_DATA")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"frontdesk-helpdesk-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "helpdesk.sqlite3"
