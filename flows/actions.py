"""The shop's orders: a small SQLite file, made with a few orders in it when it is first used.

A real shop asks its own system here. Flows only see these functions.
"""

from __future__ import annotations

import getpass
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

from bot.errors import ActionFailed
from bot.flow.declare import action, slot_type

RETURN_DAYS = 30

Status = Literal["packing", "shipped", "delayed", "delivered"]


@dataclass(frozen=True)
class Found:
    known: bool
    status: Status | Literal[""] = ""
    items: list[str] = field(default_factory=list)
    arrives: date | None = None
    """Expected; once delivered, the day it came."""
    carrier: str = ""
    note: str = ""


@dataclass(frozen=True)
class ReturnWindow:
    known: bool
    days_left: int = 0
    """Negative: too late."""
    value: float = 0


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    """`A-17` out of `it is a17, I think`: one letter and two to six digits."""
    found = {order for piece in _pieces(words.upper()) if (order := _order(piece))}
    return found.pop() if len(found) == 1 else None


@action(effect="read", timeout="5s")
async def find_order(order: str, now: datetime) -> Found:
    with _shop() as shop:
        row = shop.execute("SELECT status, items, days, carrier, note FROM orders WHERE id = ?", (order,)).fetchone()
    if row is None:
        return Found(known=False)
    status, items, days, carrier, note = row
    arrives = now.date() + timedelta(days=days)
    return Found(known=True, status=status, items=items.split("\n"), arrives=arrives, carrier=carrier, note=note)


@action(effect="read", timeout="5s")
async def find_return_window(order: str, now: datetime) -> ReturnWindow:
    with _shop() as shop:
        row = shop.execute("SELECT days, value FROM orders WHERE id = ?", (order,)).fetchone()
    if row is None:
        return ReturnWindow(known=False)
    days, value = row
    return ReturnWindow(known=True, days_left=RETURN_DAYS + min(days, 0), value=value)


async def _opened_under(key: str) -> str | None:
    with _shop() as shop:
        row = shop.execute("SELECT number FROM returns WHERE key = ?", (key,)).fetchone()
    return f"R-{row[0]}" if row else None


@action(effect="write", timeout="5s", check=_opened_under)
async def open_return(order: str, reason: str, plan: str, key: str) -> str:
    with _shop() as shop:
        shop.execute(
            "INSERT INTO returns (key, order_id, reason, plan) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (key, order, reason, plan),
        )
        number = shop.execute("SELECT number FROM returns WHERE key = ?", (key,)).fetchone()[0]
    return f"R-{number}"


async def _changed_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM addresses WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_changed_under)
async def change_address(order: str, address: str, key: str) -> bool:
    with _shop() as shop:
        shop.execute(
            "INSERT INTO addresses (key, order_id, address) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (key, order, address),
        )
    return True


def _pieces(words: str) -> list[str]:
    """Words without the marks around them; a letter and digits apart (`A 17`) belong together."""
    pieces = ["".join(c for c in piece if c.isalnum()) for piece in words.replace("-", " ").replace("'", " ").split()]
    pairs = [first + second for first, second in pairwise(pieces) if len(first) == 1]
    return pieces + pairs


def _order(piece: str) -> str:
    letter, digits = piece[:1], piece[1:]
    good = letter.isascii() and letter.isalpha() and digits.isascii() and digits.isdecimal() and 2 <= len(digits) <= 6
    return f"{letter}-{digits}" if good else ""


# The file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, items TEXT NOT NULL, days INTEGER NOT NULL,
    carrier TEXT NOT NULL, note TEXT NOT NULL, value REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS returns (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL,
    reason TEXT NOT NULL, plan TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS addresses (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, address TEXT NOT NULL);
"""

# `days` until the order arrives, negative since it came, so that the shop looks alive on every day.
_ORDERS = (
    (
        "A-17",
        "delayed",
        "Drumlin 2 tent\nEmber head torch",
        2,
        "Hollin Parcels",
        "Held at the depot by a storm.",
        289.0,
    ),
    ("A-18", "delivered", "Scarth walking boots, size 42", -6, "Hollin Parcels", "", 149.0),
    ("A-19", "packing", "Beck 30 rucksack", 4, "Hollin Parcels", "", 95.0),
    ("A-20", "shipped", "Moss sleeping mat\nMoss pillow", 1, "Hollin Parcels", "", 74.5),
    ("B-12", "delivered", "Rigg rain jacket, size M", -48, "Hollin Parcels", "", 179.0),
)


@contextmanager
def _shop() -> Iterator[sqlite3.Connection]:
    """A transaction. Raises `ActionFailed`."""
    try:
        with closing(sqlite3.connect(_file(), timeout=2)) as connection, connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'addresses'").fetchone()
            if known is None:
                connection.executescript(_SCHEMA)
            if connection.execute("SELECT 1 FROM orders LIMIT 1").fetchone() is None:
                connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", _ORDERS)
                connection.execute("INSERT OR IGNORE INTO returns VALUES (1000, '', '', '', '')")
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise ActionFailed(f"the shop's file: {error}") from error


def _file() -> Path:
    given = os.environ.get("FRONTDESK_DATA")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"frontdesk-shop-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "shop.sqlite3"
