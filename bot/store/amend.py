"""What agents and the API write: words, notes, changes of control and status, each unit whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import sqlalchemy as sa

from bot.model import DeliveryId, Event, Reachable
from bot.store import schema
from bot.store.control import change_control, delivery_row
from bot.store.rows import (
    EVENT,
    Appending,
    Row,
    Values,
    conversation_of,
    decode_state,
    encode,
    events_of,
    micros,
    set_alarm,
)
from bot.store.statements import (
    ADD_DELIVERY,
    ADD_EVENT,
    AFTER_CHANGE,
    AFTER_RESET,
    ON_CHANGE,
    Query,
    insert,
)
from bot.store.tx import Change, Tx
from bot.units import Amend, Amended, Behind, Missing, Stale

_e, _a = schema.event.c, schema.amendment.c
_EVENTS = sa.select(*(_e[name] for name in EVENT), _e.payload).where(_e.conversation == sa.bindparam("conversation"))
_NEWER = Query(
    _EVENTS.where(
        _e.seq > sa.bindparam("seen"),
        _e.public.is_(True),
        sa.or_(
            _e.author_kind == sa.literal_column("'customer'"),
            sa.and_(_e.author_kind == sa.literal_column("'agent'"), _e.author_id != sa.bindparam("by")),
        ),
    ).order_by(_e.seq)
)
_BETWEEN = Query(_EVENTS.where(_e.seq.between(sa.bindparam("first"), sa.bindparam("last"))).order_by(_e.seq))
_FIRST_TIME = Query(
    sa.select(_a.first_seq, _a.last_seq, _a.in_flight).where(
        _a.conversation == sa.bindparam("conversation"), _a.key == sa.bindparam("key")
    )
)
_ADD_AMENDMENT = insert(schema.amendment)

_changed = attrgetter(*ON_CHANGE, "id")
_reset = attrgetter(*ON_CHANGE, "state", "id")

Result = Amended | Stale | Behind | Missing


def amend(tx: Tx, units: Sequence[Amend]) -> list[Result]:
    rows = tx.hold(unit.conversation for unit in units)
    return [_amend(tx, unit, rows.get(unit.conversation)) for unit in units]


def _amend(tx: Tx, unit: Amend, row: Row | None) -> Result:
    if row is None:
        return Missing()
    if unit.key and (before := _first_time(tx, unit, row)):
        return before
    if unit.epoch not in (None, row.epoch) or unit.version not in (None, row.version):
        return Stale(conversation_of(row))
    if unit.seen is not None:
        newer = tx.query(_NEWER, conversation=row.id, seen=unit.seen, by=unit.by or "")
        if newer:
            return Behind(events_of(newer))
    return _write(tx, unit, row)


def _first_time(tx: Tx, unit: Amend, row: Row) -> Amended | None:
    for first, last, in_flight in tx.query(_FIRST_TIME, conversation=row.id, key=unit.key):
        events = events_of(tx.query(_BETWEEN, conversation=row.id, first=first, last=last))
        return Amended(events, conversation_of(row), DeliveryId(in_flight) if in_flight else None, again=True)
    return None


def _write(tx: Tx, unit: Amend, row: Row) -> Amended:
    row.updated_at = at = micros(unit.at)
    idle = row.input_seq <= row.heard
    in_flight, due_at = change_control(tx, row, unit.control, at) if unit.control else (None, 0)
    events: list[Values] = []
    append = Appending(events, unit.at, at)
    appended: list[Event] = []
    deliveries: list[Values] = []
    for entry in unit.entries:
        event = append(row, entry.author, entry.body, entry.epoch, entry.public)
        appended.append(event)
        if entry.deliver:
            deliveries.append(delivery_row(row, event, tx.now, due_at))
    if idle:
        row.ready_at = tx.now
    if unit.status:
        row.status = unit.status
        if unit.status != "open":
            row.waiting_since = None
    if unit.control or unit.status or unit.reset:
        set_alarm(row, unit.reset or decode_state(row.state))
    if any(isinstance(entry.body, Reachable) and not entry.body.yes for entry in unit.entries):
        row.wake_at = None  # who cannot be reached is not spoken to first
    change: Change
    if unit.reset is None:
        change = AFTER_CHANGE, [_changed(row)]
    else:
        row.version += 1
        row.state = encode(unit.reset)
        change = AFTER_RESET, [_reset(row)]
    amendments: list[Values] = []
    if unit.key:
        amendments.append((row.id, unit.key, row.last_seq - len(appended) + 1, row.last_seq, in_flight or ""))
    tx.write(change, (ADD_EVENT, events), (ADD_DELIVERY, deliveries), (_ADD_AMENDMENT, amendments))
    return Amended(tuple(appended), conversation_of(row), in_flight)
