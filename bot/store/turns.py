"""T1 to T4: a conversation is claimed, its turn taken and committed. Fence and epoch guard all that is written.

The guards are asked of rows that this transaction holds, so what they say stays true until it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import sqlalchemy as sa

from bot.model import BOT, Acted, Acting, Emptied, Event, Filled
from bot.store import drafts, schema
from bot.store.accept import take
from bot.store.control import change_control, delivery_row
from bot.store.customers import learn
from bot.store.rows import (
    EVENT,
    Appending,
    Row,
    Values,
    control_of,
    conversation_of,
    encode,
    events_of,
    micros,
    set_alarm,
    span,
)
from bot.store.statements import (
    ADD_DELIVERY,
    ADD_EVENT,
    AFTER_COMMIT,
    AFTER_COMMIT_WHOLE,
    AFTER_LEASE,
    AFTER_RECORD,
    AFTER_RESET,
    ON_CHANGE,
    ON_COMMIT,
    ON_LEASE,
    ON_RECORD,
    SELDOM_ON_COMMIT,
    Query,
    found,
    insert,
)
from bot.store.tx import Tx
from bot.units import Claim, Claimed, Commit, Committed, Intend, Lost, Record, Release, Renew

_leased = attrgetter(*ON_LEASE, "id")
_recorded = attrgetter(*ON_RECORD, "id")
_committed = attrgetter(*ON_COMMIT, "id")
_seldom = attrgetter(*SELDOM_ON_COMMIT)
_committed_wholly = attrgetter(*ON_COMMIT, *SELDOM_ON_COMMIT, "id")
_changed = attrgetter(*ON_CHANGE, "state", "id")

_c = schema.conversation.c
_READY = (
    sa.select(_c.id)
    .where(
        sa.text("input_seq > heard AND control <> 'paused'"),  # as the index has it
        _c.ready_at <= sa.bindparam("now"),
        _c.lease_until <= sa.bindparam("now"),
    )
    .order_by(_c.ready_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
OLDEST = Query(_READY)
_THIS = Query(_READY.where(_c.id == sa.bindparam("id")))


def claim(tx: Tx, units: Sequence[Claim]) -> list[tuple[Claimed, ...]]:
    return [_claim(tx, unit) for unit in units]


def _claim(tx: Tx, unit: Claim) -> tuple[Claimed, ...]:
    if unit.conversation is None:
        ready = tx.query(OLDEST, now=tx.now, most=unit.most)
    else:
        ready = tx.query(_THIS, now=tx.now, most=unit.most, id=unit.conversation)
    rows = tx.hold(id for (id,) in ready)
    claimed = tuple(take(rows[id], unit.lease, tx.now, None) for (id,) in ready)
    tx.write((AFTER_LEASE, list(map(_leased, rows.values()))))
    return claimed


def renew(tx: Tx, units: Sequence[Renew]) -> list[bool]:
    rows = tx.hold(unit.conversation for unit in units)
    results: list[bool] = []
    for unit in units:
        row = rows.get(unit.conversation)
        ours = row is not None and row.fence == unit.fence and row.worker == unit.lease.worker
        if row is not None and ours:
            row.lease_until = tx.now + span(unit.lease.span)
        results.append(ours)
    tx.write((AFTER_LEASE, list(map(_leased, rows.values()))))
    return results


def release(tx: Tx, units: Sequence[Release]) -> list[bool]:
    rows = tx.hold(unit.conversation for unit in units)
    results: list[bool] = []
    for unit in units:
        row = rows.get(unit.conversation)
        ours = row is not None and row.fence == unit.fence and row.worker != ""
        if row is not None and ours:
            row.worker, row.lease_until = "", 0
            row.ready_at = tx.now + span(unit.pause)
        results.append(ours)
    tx.write((AFTER_LEASE, list(map(_leased, rows.values()))))
    return results


# T2, T3

_BY_SEQ = found(schema.event, (*EVENT, "payload", "conversation"), ("conversation", "seq"))
_RESULT = found(schema.action, ("conversation", "key", "result_seq"), ("conversation", "key"))
_ADD_RESULT = insert(schema.action)


def intend(tx: Tx, units: Sequence[Intend]) -> list[Event | None]:
    rows = tx.hold(unit.conversation for unit in units)
    events: list[Values] = []
    results: list[Event | None] = []
    for unit in units:
        row = rows.get(unit.conversation)
        if row is None or _lost(row, unit):
            results.append(None)
        else:
            results.append(_append(row, unit, unit.acting, events))
    tx.write((ADD_EVENT, events), (AFTER_RECORD, list(map(_recorded, rows.values()))))
    return results


def record(tx: Tx, units: Sequence[Record]) -> list[Event]:
    rows = tx.hold(unit.conversation for unit in units)
    keys = [(unit.conversation, unit.acted.key) for unit in units]
    seqs = {(conversation, key): seq for conversation, key, seq in tx.fetch(_RESULT, keys)}
    known = {
        (values[-1], values[0]): events_of([values[:-1]])[0]
        for values in tx.fetch(_BY_SEQ, [(conversation, seq) for (conversation, _), seq in seqs.items()])
    }
    first = {key: known[key[0], seq] for key, seq in seqs.items()}
    events: list[Values] = []
    new: list[Values] = []
    for key, unit in zip(keys, units, strict=True):
        if key not in first:
            first[key] = event = _append(rows[unit.conversation], unit, unit.acted, events)
            new.append((*key, event.seq))
    tx.write((ADD_EVENT, events), (_ADD_RESULT, new), (AFTER_RECORD, list(map(_recorded, rows.values()))))
    return [first[key] for key in keys]


def _append(row: Row, unit: Intend | Record, body: Acting | Acted, events: list[Values]) -> Event:
    row.updated_at = micros(unit.at)
    append = Appending(events, unit.at, row.updated_at, unit.turn, unit.fence)
    return append(row, BOT, body, unit.epoch, public=False)


def _lost(row: Row, unit: Intend | Commit) -> Lost | None:
    if row.fence != unit.fence or row.heard != unit.turn:  # another claim has the turn, or it is over
        return Lost("fence", control_of(row))
    if row.epoch != unit.epoch:
        return Lost("epoch", control_of(row))
    return None


# T4


def commit(tx: Tx, units: Sequence[Commit]) -> list[Committed | Lost]:
    rows = tx.hold(unit.conversation for unit in units)
    events: list[Values] = []
    deliveries: list[Values] = []
    usual: dict[str, Row] = {}
    changed: dict[str, Row] = {}
    wholly = False
    learnt: dict[str, list[Filled | Emptied]] = {}
    results: list[Committed | Lost] = []
    for unit in units:
        row = rows[unit.conversation]
        if lost := _lost(row, unit):
            results.append(lost)
            continue
        was = _seldom(row)
        results.append(_commit(tx, unit, row, events, deliveries))
        wholly |= _seldom(row) != was
        if unit.learnt:
            learnt.setdefault(row.contact, []).extend(unit.learnt)
        if unit.control is None:
            usual[row.id] = row
        else:
            changed[row.id] = row
    for id in changed:
        usual.pop(id, None)
    after, values = (AFTER_COMMIT_WHOLE, _committed_wholly) if wholly else (AFTER_COMMIT, _committed)
    tx.write(
        (after, list(map(values, usual.values()))),
        (AFTER_RESET, list(map(_changed, changed.values()))),
        (ADD_EVENT, events),
        (ADD_DELIVERY, deliveries),
    )
    for unit, done in zip(units, results, strict=True):
        if unit.draft and isinstance(done, Committed):
            _hand_over(tx, unit, done)
    for contact in sorted(learnt):
        learn(tx, contact, learnt[contact])
    return results


def _hand_over(tx: Tx, unit: Commit, done: Committed) -> None:
    """The draft, to the first message that is sent."""
    sent = (event.seq for entry, event in zip(unit.entries, done.events, strict=True) if entry.deliver)
    if (seq := next(sent, None)) is not None:
        drafts.hand_over(tx, unit.conversation, seq)


def _commit(tx: Tx, unit: Commit, row: Row, events: list[Values], deliveries: list[Values]) -> Committed:
    row.updated_at = at = micros(unit.at)
    due_at = change_control(tx, row, unit.control, at, unit.handoff).due_at if unit.control else 0
    append = Appending(events, unit.at, at, unit.turn, unit.fence)
    appended: list[Event] = []
    for entry in unit.entries:
        event = append(row, entry.author, entry.body, entry.epoch, entry.public)
        appended.append(event)
        if entry.deliver:
            # Under the row's epoch: the change of control that ends a turn does not silence the turn itself.
            deliveries.append(delivery_row(row, event, tx.now, due_at, once=entry.once))
    row.heard, row.committed = unit.heard, unit.fence
    row.state = encode(unit.state)
    row.version += 1
    set_alarm(row, unit.state)
    row.language = unit.language
    row.attempts = int(row.is_ready)  # what waits is taken at once, under this lease: its first attempt
    if not row.is_ready:
        row.worker, row.lease_until = "", 0
    return Committed(tuple(appended), conversation_of(row))
