"""Bookings are made in somebody else's system, which is told the idempotency key."""

import os
from pathlib import Path

import msgspec

from bot.errors import ActionFailed
from bot.flow.declare import action
from tests.faults.wire import post


class Booking(msgspec.Struct):
    key: str
    uid: str = ""


async def _booked(key: str) -> str | None:
    return await _ask("/booked", Booking(key)) or None


@action(effect="write", timeout="5s", check=_booked)
async def book(uid: str, key: str) -> str:
    return await _ask("/book", Booking(key, uid))


async def _ask(target: str, booking: Booking) -> str:
    try:
        status, number = await post(Path(os.environ["FAULTS_OUTSIDE"]), target, msgspec.json.encode(booking))
    except OSError as error:
        raise ActionFailed(f"no answer: {error}") from error
    if status != 200:
        raise ActionFailed(f"refused: {status}")
    return number.decode()
