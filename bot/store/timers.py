"""Timers that are due become inputs of their conversations: once, and only where nobody is being heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

import sqlalchemy as sa

from bot.model import SYSTEM, Rang
from bot.store import schema
from bot.store.accept import take
from bot.store.rows import Appending, Row, Values, instant, micros
from bot.store.statements import ADD_EVENT, AFTER_RING, ON_RING, Query
from bot.store.tx import Tx
from bot.units import NextAlarm, Ring, Rung

_rung = attrgetter(*ON_RING, "id")

_c = schema.conversation.c
_SET = (
    sa.text("wake_at IS NOT NULL"),  # as the index has it
    _c.input_seq <= _c.heard,
    sa.text("control IN ('bot', 'queued', 'offered') AND status <> 'resolved'"),
)
DUE = Query(
    sa.select(_c.id)
    .where(*_SET, _c.wake_at <= sa.bindparam("at"))
    .order_by(_c.wake_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
FIRST = Query(sa.select(_c.wake_at).where(*_SET).order_by(_c.wake_at).limit(1))


def ring(tx: Tx, units: Sequence[Ring]) -> list[tuple[Rung, ...]]:
    return [_ring(tx, unit) for unit in units]


def _ring(tx: Tx, unit: Ring) -> tuple[Rung, ...]:
    due = tx.query(DUE, at=micros(unit.at), most=unit.most)
    rows = tx.hold(id for (id,) in due)
    events: list[Values] = []
    rung = tuple(_wake(tx, unit, rows[id], events) for (id,) in due)
    tx.write((AFTER_RING, list(map(_rung, rows.values()))), (ADD_EVENT, events))
    return rung


def _wake(tx: Tx, unit: Ring, row: Row, events: list[Values]) -> Rung:
    assert row.wake_at is not None  # held as it was found
    due_at, row.wake_at = instant(row.wake_at), None
    row.updated_at = micros(unit.at)
    row.ready_at = tx.now
    append = Appending(events, unit.at, row.updated_at)
    event = append(row, SYSTEM, Rang(due_at), row.epoch, public=False)
    is_free = unit.lease is not None and row.lease_until <= tx.now
    claimed = take(row, unit.lease, tx.now, (event,)) if unit.lease and is_free else None
    return Rung(row.conversation_id, event, claimed)


def next_alarm(tx: Tx, asked: NextAlarm) -> datetime | None:
    return next((instant(at) for (at,) in tx.query(FIRST)), None)
