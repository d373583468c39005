"""The clinic's calendar and prescriptions: a small SQLite file, made when it is first used.

A real clinic asks its own system here. Flows only see these functions.
"""

from __future__ import annotations

import getpass
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from bot.errors import ActionFailed
from bot.flow.declare import action, slot_type

DOCTORS = {
    "Dr Hale": ("check_up", "unwell", "results"),
    "Dr Osei": ("check_up", "unwell", "results", "vaccination"),
    "Nurse Lindt": ("vaccination",),
}
TIMES = ("08:30", "09:30", "10:30", "11:30")
"""Of every working day: mornings are booked by patients, afternoons by the clinic."""


@dataclass(frozen=True)
class Choice:
    label: str
    value: str


@dataclass(frozen=True)
class Booked:
    taken: bool
    """Somebody was quicker: nothing was booked."""
    number: str = ""
    is_reminded: bool = False
    """It is more than a day away."""
    remind_at: datetime | None = None


@dataclass(frozen=True)
class Appointment:
    state: Literal["booked", "cancelled", "unknown"]
    doctor: str = ""
    day: date | None = None
    time: str = ""
    reason: str = ""


@slot_type("phone_number", error="@not_a_phone")
def phone_number(words: str) -> str | None:
    """Digits, as they are dialled, with a leading + where it was written."""
    digits = "".join(c for c in words if c.isascii() and c.isdecimal())
    foreign = any(c.isalpha() for c in words) or not 6 <= len(digits) <= 15
    return None if foreign else ("+" if words.strip().startswith("+") else "") + digits


@slot_type("appointment_no", error="@not_an_appointment")
def appointment_no(words: str) -> str | None:
    """`E-501` out of `it is e501`."""
    pieces = ["".join(c for c in piece if c.isalnum()) for piece in words.upper().replace("-", "").split()]
    found = {piece[1:] for piece in pieces if piece[:1] == "E" and piece[1:].isascii() and piece[1:].isdecimal()}
    return f"E-{found.pop()}" if len(found) == 1 else None


@action(effect="read", timeout="5s")
async def find_doctors(reason: str) -> list[Choice]:
    return [Choice(name, name) for name, reasons in DOCTORS.items() if reason in reasons]


@action(effect="read", timeout="5s")
async def find_times(doctor: str, day: date) -> list[Choice]:
    """Free ones; none at the weekend."""
    with _clinic() as clinic:
        rows = clinic.execute(
            "SELECT time FROM appointments WHERE doctor = ? AND day = ? AND state = 'booked'", (doctor, day.isoformat())
        )
        taken = {time for (time,) in rows}
    return [] if day.weekday() > 4 else [Choice(time, time) for time in TIMES if time not in taken]


async def _booked_under(key: str) -> Booked | None:
    with _clinic() as clinic:
        row = clinic.execute("SELECT number, remind_at FROM appointments WHERE key = ?", (key,)).fetchone()
    return _booked(*row) if row else None


@action(effect="write", undo="cancel_appointment", timeout="5s", check=_booked_under, scopes=("appointments",))
async def book(
    doctor: str, day: date, time: str, name: str, birth: date, phone: str, reason: str, now: datetime, key: str
) -> Booked:
    starts_at = datetime.combine(day, datetime.strptime(time, "%H:%M").time(), UTC)
    remind_at = starts_at - timedelta(days=1)
    values = (key, doctor, day.isoformat(), time, name, birth.isoformat(), phone, reason)
    with _clinic() as clinic:
        clinic.execute(
            "INSERT INTO appointments (key, doctor, day, time, name, birth, phone, reason, remind_at, state)"
            " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 'booked' WHERE NOT EXISTS"
            " (SELECT 1 FROM appointments WHERE doctor = ? AND day = ? AND time = ? AND state = 'booked')",
            (*values, remind_at.isoformat() if remind_at > now else "", doctor, day.isoformat(), time),
        )
        row = clinic.execute("SELECT number, remind_at FROM appointments WHERE key = ?", (key,)).fetchone()
    return _booked(*row) if row else Booked(taken=True)


@action(effect="read", timeout="5s")
async def find_appointment(number: str, birth: date | None = None) -> Appointment:
    """With a date of birth only if it is that patient's."""
    with _clinic() as clinic:
        row = clinic.execute(
            "SELECT state, doctor, day, time, reason, birth FROM appointments WHERE number = ?", (number[2:],)
        ).fetchone()
    if row is None or (birth is not None and row[5] != birth.isoformat()):
        return Appointment("unknown")
    state, doctor, day, time, reason, _ = row
    return Appointment(state, doctor, date.fromisoformat(day), time, reason)


async def _cancelled_under(key: str) -> bool | None:
    with _clinic() as clinic:
        return True if clinic.execute("SELECT 1 FROM cancellations WHERE key = ?", (key,)).fetchone() else None


@action(effect="write", timeout="5s", check=_cancelled_under, scopes=("appointments",))
async def cancel_appointment(number: str, key: str) -> bool:
    with _clinic() as clinic:
        clinic.execute("UPDATE appointments SET state = 'cancelled' WHERE number = ?", (number[2:],))
        clinic.execute("INSERT INTO cancellations VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, number[2:]))
    return True


async def _renewed_under(key: str) -> str | None:
    with _clinic() as clinic:
        row = clinic.execute("SELECT number FROM prescriptions WHERE key = ?", (key,)).fetchone()
    return f"P-{row[0]}" if row else None


@action(effect="write", timeout="5s", check=_renewed_under, scopes=("prescriptions",))
async def renew_prescription(name: str, birth: date, medicine: str, key: str) -> str:
    with _clinic() as clinic:
        clinic.execute(
            "INSERT INTO prescriptions (key, name, birth, medicine) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (key, name, birth.isoformat(), medicine),
        )
        number = clinic.execute("SELECT number FROM prescriptions WHERE key = ?", (key,)).fetchone()[0]
    return f"P-{number}"


def _booked(number: int, remind_at: str) -> Booked:
    return Booked(False, f"E-{number}", bool(remind_at), datetime.fromisoformat(remind_at) if remind_at else None)


# The file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS appointments (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, doctor TEXT NOT NULL, day TEXT NOT NULL, time TEXT NOT NULL,
    name TEXT NOT NULL, birth TEXT NOT NULL, phone TEXT NOT NULL, reason TEXT NOT NULL, remind_at TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cancellations (key TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS prescriptions (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, birth TEXT NOT NULL,
    medicine TEXT NOT NULL
);
"""

_FIRST = (500, "500", "Dr Osei", "2030-01-07", "08:30", "Sam Doe", "1980-05-01", "", "check_up", "", "booked")


@contextmanager
def _clinic() -> Iterator[sqlite3.Connection]:
    """A transaction. Raises `ActionFailed`."""
    try:
        with closing(sqlite3.connect(_file(), timeout=2)) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'prescriptions'").fetchone() is None:
                connection.executescript(_SCHEMA)
                connection.execute(f"INSERT OR IGNORE INTO appointments VALUES ({', '.join('?' * 11)})", _FIRST)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise ActionFailed(f"the clinic's file: {error}") from error


def _file() -> Path:
    given = os.environ.get("FRONTDESK_DATA")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"frontdesk-clinic-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "clinic.sqlite3"
