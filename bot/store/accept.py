"""T0: what came in is appended once, and the lease is taken with it where it is free."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import sqlalchemy as sa

from bot.model import Author, Conversation, ConversationId, Event, Opened, State, is_input
from bot.store import schema
from bot.store.elsewhere import COMMON, SPEAKS, append_all, finish
from bot.store.rows import Appending, Row, Values, conversation_of, decode_state, encode, micros, span
from bot.store.statements import (
    ADD_CONVERSATION,
    ADD_EVENT,
    ADD_SEEN,
    AFTER_ACCEPT,
    AFTER_ACCEPT_WHOLE,
    ON_ACCEPT,
    SEEN,
    SELDOM_ON_ACCEPT,
    Query,
    found,
    insert,
)
from bot.store.tx import Tx
from bot.units import Accept, Claimed, KeepDead, Kept, Lease, Prune

_IDENTITY = found(schema.identity, ("channel", "external", "contact"), ("channel", "external"))
_ADD_CONTACT = insert(schema.contact)
_ADD_IDENTITY = insert(schema.identity)
_NAME_CONTACT = Query(
    sa.update(schema.contact).where(schema.contact.c.id == sa.bindparam("b_id")).values(name=sa.bindparam("b_name"))
)

_changed = attrgetter(*ON_ACCEPT, "id")
_seldom = attrgetter(*SELDOM_ON_ACCEPT)
_changed_wholly = attrgetter(*ON_ACCEPT, *SELDOM_ON_ACCEPT, "id")
_whole = attrgetter(*(column.name for column in schema.conversation.columns))

_First = tuple[str, int, bytes]
"""Conversation, seq and digest of the first time."""


def accept(tx: Tx, units: Sequence[Accept]) -> list[Kept]:
    rows = tx.hold_at(map(_address, units))
    # Only now, under the lock: a repeat that was under way elsewhere has been committed.
    keys = list(map(_keys, units))
    first: dict[Values, _First] = {
        (channel, account, key, bool(twin)): (conversation, seq, digest)
        for channel, account, key, twin, conversation, seq, digest in tx.fetch(SEEN, [k for ks in keys for k in ks])
    }
    new: dict[str, Row] = {}
    if len(rows) < len(units):
        strangers = (unit for unit, ks in zip(units, keys, strict=True) if not _before(ks, first))
        new = _begin(tx, [unit for unit in strangers if _address(unit) not in rows], rows)
    events: list[Values] = []
    kept_keys: list[Values] = []
    changed: dict[str, Row] = {}
    wholly = False
    results: list[Kept] = []
    rare: list[tuple[Accept, Row]] = []
    for unit, ks in zip(units, keys, strict=True):
        if before := _before(ks, first):
            conversation, seq, digest = before
            differs = digest != unit.digest
            known = rows.get(_address(unit)) if unit.asks else None
            results.append(
                Kept(
                    fresh=False,
                    conversation=ConversationId(conversation),
                    events=(),
                    seq=seq,
                    differs=differs,
                    stands=_stands(known) if known else None,
                )
            )
            continue
        row = rows[_address(unit)]
        at, was = micros(unit.at), _seldom(row)
        results.append(_keep(tx, unit, row, at, events, rare))
        wholly |= _seldom(row) != was
        if row.id not in new:
            changed[row.id] = row
        for key in ks:
            first[key] = (row.id, row.last_seq, unit.digest)
            kept_keys.append((*key, row.id, row.last_seq, unit.digest, at))
    after, values = (AFTER_ACCEPT_WHOLE, _changed_wholly) if wholly else (AFTER_ACCEPT, _changed)
    tx.write(
        (ADD_CONVERSATION, list(map(_whole, new.values()))),
        (after, list(map(values, changed.values()))),
        (ADD_EVENT, events),
        (ADD_SEEN, kept_keys),
    )
    if rare:
        finish(tx, rare, rows)
    return results


def _address(unit: Accept) -> Values:
    to = unit.to
    return to.channel, to.account, to.chat, to.thread


def _keys(unit: Accept) -> tuple[Values, ...]:
    key = (unit.channel, unit.account, unit.key, False)
    return (key,) if unit.twin is None else (key, (unit.channel, unit.account, unit.twin, True))


def _before(keys: tuple[Values, ...], first: dict[Values, _First]) -> _First | None:
    for key in keys:
        if before := first.get(key):
            return before
    return None


def _keep(tx: Tx, unit: Accept, row: Row, at: int, events: list[Values], rare: list[tuple[Accept, Row]]) -> Kept:
    idle = row.input_seq <= row.heard
    row.updated_at = at
    if row.status in ("resolved", "snoozed") and any(isinstance(body, SPEAKS) for body in unit.bodies):
        row.status = "open"
    if unit.language and not row.language:
        row.language = unit.language
    if unit.name and not row.customer:
        row.customer = unit.name
        tx.query(_NAME_CONTACT, b_id=row.contact, b_name=unit.name)
    append = Appending(events, unit.at, at)
    author = Author("customer", unit.by, unit.name)
    if COMMON.issuperset(map(type, unit.bodies)):
        appended = tuple([append(row, author, body, row.epoch, not isinstance(body, Opened)) for body in unit.bodies])
        inputs = appended
    else:
        rare.append((unit, row))
        appended = tuple(append_all(tx, unit, row, append, author))
        inputs = tuple(filter(is_input, appended))
    if idle:
        row.ready_at = tx.now
    claimed = None
    if unit.lease and row.is_ready and row.lease_until <= tx.now and row.ready_at <= tx.now:
        claimed = take(row, unit.lease, tx.now, inputs if idle else None)
    return Kept(
        fresh=True,
        conversation=ConversationId(row.id),
        events=appended,
        seq=row.last_seq,
        claimed=claimed,
        stands=_stands(row) if unit.asks else None,
    )


def _stands(row: Row) -> tuple[Conversation, State]:
    return conversation_of(row), decode_state(row.state)


def take(row: Row, lease: Lease, now: int, inputs: tuple[Event, ...] | None) -> Claimed:
    """Put the lease into the row."""
    row.worker, row.lease_until = lease.worker, now + span(lease.span)
    row.fence += 1
    row.attempts += 1
    return Claimed(conversation=conversation_of(row), state=decode_state(row.state), inputs=inputs)


def _begin(tx: Tx, units: Sequence[Accept], rows: dict[Values, Row]) -> dict[str, Row]:
    """Conversations for addresses that have none, and contacts for identities that have none.

    When somebody else begins the same one at the same time, a unique key refuses the whole, and the unit is repeated.
    """
    identities = [(unit.channel, unit.by) for unit in units]
    contacts = {(channel, external): contact for channel, external, contact in tx.fetch(_IDENTITY, identities)}
    new_contacts: list[Values] = []
    new_identities: list[Values] = []
    new: dict[str, Row] = {}
    for unit in units:
        address, identity, at = _address(unit), (unit.channel, unit.by), micros(unit.at)
        if address in rows:
            continue
        if identity not in contacts:
            contacts[identity] = unit.contact
            new_contacts.append((unit.contact, unit.name, unit.language, at, None))
            new_identities.append((*identity, unit.contact, "", unit.language, unit.zone))
        rows[address] = new[unit.conversation] = _fresh(unit, contacts[identity], at, tx.now)
    tx.write((_ADD_CONTACT, new_contacts))
    tx.write((_ADD_IDENTITY, new_identities))
    return new


def _fresh(unit: Accept, contact: str, at: int, now: int) -> Row:
    return Row(
        id=unit.conversation,
        contact=contact,
        channel=unit.to.channel,
        account=unit.to.account,
        chat=unit.to.chat,
        thread=unit.to.thread,
        created_at=at,
        updated_at=at,
        status="open",
        language=unit.language,
        customer=unit.name,
        control="bot",
        epoch=0,
        holder="",
        holder_name="",
        since=None,
        reason="",
        handoff="",
        last_seq=0,
        public_seq=0,
        input_seq=0,
        heard=0,
        ready_at=now,
        worker="",
        lease_until=0,
        fence=0,
        committed=0,
        attempts=0,
        version=0,
        last_by="customer",
        last_text="",
        last_at=at,
        spoke_at=at,
        active_at=at,
        waiting_since=None,
        unread=0,
        wake_at=None,
        rank=0,
        state=encode(unit.initial),
    )


# What came in and could not be taken in

_dead = schema.dead_letter.c
_SAME = Query(
    sa.select(_dead.id)
    .where(
        _dead.channel == sa.bindparam("channel"),
        _dead.account == sa.bindparam("account"),
        _dead.key == sa.bindparam("key"),
        _dead.raw == sa.bindparam("raw"),
    )
    .limit(1)
)
_ADD_DEAD = Query(
    sa.insert(schema.dead_letter)
    .values({name: sa.bindparam(name) for name in ("channel", "account", "key", "why", "raw", "at")})
    .inline()
)


def keep_dead(tx: Tx, units: Sequence[KeepDead]) -> list[None]:
    """A platform repeats what it is not allowed to: the same bytes are kept once."""
    for unit in units:
        same = {"channel": unit.channel, "account": unit.account, "key": unit.key, "raw": unit.raw}
        if not tx.query(_SAME, **same):
            tx.query(_ADD_DEAD, **same, why=unit.why, at=micros(unit.at))
    return [None] * len(units)


_NAMES = ("channel", "account", "key", "twin")
_OLD = (
    sa.select(*(schema.seen.c[name] for name in _NAMES))
    .where(schema.seen.c.at < sa.bindparam("before"))
    .order_by(schema.seen.c.at)
    .limit(sa.bindparam("most"))
)
_FORGET = Query(
    sa.delete(schema.seen)
    .where(sa.tuple_(*(schema.seen.c[name] for name in _NAMES)).in_(_OLD))
    .returning(schema.seen.c.seq)
)


def prune(tx: Tx, units: Sequence[Prune]) -> list[int]:
    return [len(tx.query(_FORGET, before=micros(unit.before), most=unit.most)) for unit in units]
