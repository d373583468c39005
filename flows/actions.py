"""The shop's orders: a small SQLite file, made with a few orders in it when it is first used.

A real shop asks its own system here. Flows only see these functions.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
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

Status = Literal["packing", "shipped", "delayed", "delivered", "cancelled"]
RefundState = Literal["waiting", "received", "paid"]


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


@dataclass(frozen=True)
class Refund:
    known: bool
    state: RefundState | Literal[""] = ""
    """Of the return it is for: not here yet, here, the money is on its way."""
    amount: float = 0
    paid_on: date | None = None


@dataclass(frozen=True)
class Payment:
    known: bool
    times: int = 0
    """How often it was charged."""
    amount: float = 0
    method: str = ""


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    """`A-17` out of `it is a17, I think`: one letter and two to six digits."""
    found = {order for piece in _pieces(words.upper()) if (order := _order(piece))}
    return found.pop() if len(found) == 1 else None


@slot_type("return_no", error="@not_a_return")
def return_no(words: str) -> str | None:
    """`R-1001` out of `it is r 1001`: the letter R and three to six digits."""
    found = {
        f"R-{piece[1:]}"
        for piece in _pieces(words.upper())
        if piece[:1] == "R" and piece[1:].isascii() and piece[1:].isdecimal() and 3 <= len(piece) - 1 <= 6
    }
    return found.pop() if len(found) == 1 else None


@slot_type("phone_number", error="@not_a_phone")
def phone_number(words: str) -> str | None:
    """Digits, as they are dialled, with a leading + where it was written."""
    digits = "".join(c for c in words if c.isascii() and c.isdecimal())
    foreign = any(c.isalpha() for c in words) or not 6 <= len(digits) <= 15
    return None if foreign else ("+" if words.strip().startswith("+") else "") + digits


@slot_type("six_digits", error="@not_six_digits")
def six_digits(words: str) -> str | None:
    digits = "".join(c for c in words if c.isascii() and c.isdecimal())
    return digits if len(digits) == 6 and not any(c.isalpha() for c in words) else None


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


async def _cancelled_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM cancellations WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_cancelled_under)
async def cancel_order(order: str, key: str) -> bool:
    """Only what is still being packed can be kept from leaving."""
    with _shop() as shop:
        row = shop.execute("SELECT status FROM orders WHERE id = ?", (order,)).fetchone()
        if row is None or row[0] not in ("packing", "cancelled"):
            raise ActionFailed("the order has left the shop")
        shop.execute("UPDATE orders SET status = 'cancelled' WHERE id = ?", (order,))
        shop.execute("INSERT INTO cancellations VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, order))
    return True


@action(effect="read", timeout="5s")
async def find_refund(number: str, now: datetime) -> Refund:
    with _shop() as shop:
        row = shop.execute("SELECT state, amount, days FROM refunds WHERE number = ?", (number,)).fetchone()
        opened = shop.execute("SELECT 1 FROM returns WHERE number = ?", (number.removeprefix("R-"),)).fetchone()
    if row is None:
        return Refund(known=opened is not None, state="waiting" if opened else "")
    state, amount, days = row
    return Refund(known=True, state=state, amount=amount, paid_on=now.date() + timedelta(days=days))


@action(effect="read", timeout="5s")
async def find_payment(order: str) -> Payment:
    with _shop() as shop:
        row = shop.execute("SELECT times, amount, method FROM payments WHERE order_id = ?", (order,)).fetchone()
    return Payment(known=False) if row is None else Payment(True, *row)


async def _paid_back_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM paybacks WHERE key = ?", (key,)).fetchone() else None


@action(effect="money", timeout="5s", check=_paid_back_under, scopes=("payments",))
async def pay_back(order: str, amount: float, key: str) -> bool:
    with _shop() as shop:
        shop.execute("INSERT INTO paybacks VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, order, amount))
        shop.execute("UPDATE payments SET times = 1 WHERE order_id = ?", (order,))
    return True


async def _invoiced_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM invoices WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_invoiced_under)
async def send_invoice(order: str, email: str, key: str) -> bool:
    with _shop() as shop:
        shop.execute("INSERT INTO invoices VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, order, email))
    return True


async def _case_under(key: str) -> str | None:
    with _shop() as shop:
        row = shop.execute("SELECT number FROM cases WHERE key = ?", (key,)).fetchone()
    return f"C-{row[0]}" if row else None


@action(effect="write", timeout="5s", check=_case_under)
async def open_case(topic: str, words: str, key: str, order: str = "") -> str:
    """Something that a person looks into. Gives its number."""
    with _shop() as shop:
        shop.execute(
            "INSERT INTO cases (key, topic, order_id, words) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (key, topic, order, words),
        )
        number = shop.execute("SELECT number FROM cases WHERE key = ?", (key,)).fetchone()[0]
    return f"C-{number}"


async def _code_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM codes WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_code_under, scopes=("account",))
async def send_code(email: str, key: str) -> bool:
    """Six digits to the address. This shop sends no mail: they stand in its file, in the table `codes`."""
    code = f"{int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % 1_000_000:06}"
    with _shop() as shop:
        shop.execute("INSERT INTO codes VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, email, code))
    return True


@action(effect="read", timeout="5s", scopes=("account",))
async def is_code(email: str, code: str) -> bool:
    with _shop() as shop:
        row = shop.execute("SELECT code FROM codes WHERE email = ? ORDER BY rowid DESC", (email,)).fetchone()
    return row is not None and hmac.compare_digest(row[0], code)


async def _email_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM emails WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_email_under, scopes=("account",))
async def change_email(old: str, new: str, key: str) -> bool:
    with _shop() as shop:
        shop.execute("INSERT INTO emails VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, old, new))
    return True


async def _callback_under(key: str) -> bool | None:
    with _shop() as shop:
        return True if shop.execute("SELECT 1 FROM callbacks WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_callback_under)
async def book_callback(phone: str, part: str, about: str, key: str) -> bool:
    """`part` of the next working day."""
    with _shop() as shop:
        shop.execute(
            "INSERT INTO callbacks VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING", (key, phone, part, about)
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
CREATE TABLE IF NOT EXISTS cancellations (key TEXT PRIMARY KEY, order_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    number TEXT PRIMARY KEY, state TEXT NOT NULL, amount REAL NOT NULL, days INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS payments (
    order_id TEXT PRIMARY KEY, times INTEGER NOT NULL, amount REAL NOT NULL, method TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS paybacks (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, amount REAL NOT NULL);
CREATE TABLE IF NOT EXISTS invoices (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL,
    order_id TEXT NOT NULL, words TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS codes (key TEXT PRIMARY KEY, email TEXT NOT NULL, code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS emails (key TEXT PRIMARY KEY, old TEXT NOT NULL, new TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS callbacks (
    key TEXT PRIMARY KEY, phone TEXT NOT NULL, part TEXT NOT NULL, about TEXT NOT NULL
);
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

_REFUNDS = (("R-970", "received", 149.0, 0), ("R-960", "paid", 74.5, -3))
_PAYMENTS = (
    ("A-17", 2, 289.0, "card"),
    ("A-18", 1, 149.0, "card"),
    ("A-19", 1, 95.0, "PayPal"),
    ("A-20", 2, 74.5, "PayPal"),
    ("B-12", 1, 179.0, "card"),
)


@contextmanager
def _shop() -> Iterator[sqlite3.Connection]:
    """A transaction. Raises `ActionFailed`."""
    try:
        with closing(sqlite3.connect(_file(), timeout=2)) as connection, connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'callbacks'").fetchone()
            if known is None:
                connection.executescript(_SCHEMA)
            if connection.execute("SELECT 1 FROM orders LIMIT 1").fetchone() is None:
                connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", _ORDERS)
                connection.execute("INSERT OR IGNORE INTO returns VALUES (1000, '', '', '', '')")
            if known is None:
                connection.execute("INSERT OR IGNORE INTO cases VALUES (2000, '', '', '', '')")
                connection.executemany("INSERT OR IGNORE INTO refunds VALUES (?, ?, ?, ?)", _REFUNDS)
                connection.executemany("INSERT OR IGNORE INTO payments VALUES (?, ?, ?, ?)", _PAYMENTS)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise ActionFailed(f"the shop's file: {error}") from error


def _file() -> Path:
    given = os.environ.get("FRONTDESK_DATA")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"frontdesk-shop-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "shop.sqlite3"
