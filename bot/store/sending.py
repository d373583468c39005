"""T5 and T6: what is sent next, and what became of it.

A delivery is open until it has ended (`ended_at`). The open ones of a conversation are its line, and only the head of a
line may be claimed. `due_at` says when it may be claimed next: while it is being sent, that is the end of the lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter

import msgspec
import sqlalchemy as sa

from bot.model import ConversationId, Event, Said
from bot.store import schema
from bot.store.drafts import drop_draft, settled_by
from bot.store.rows import EVENT, Row, Values, delivery_id, encode, events_of, micros, parts_of, span
from bot.store.statements import Query, found, locked, update
from bot.store.tx import Tx
from bot.units import Delivery, DropDraft, RefOf, RefsOf, SendClaim, Settle


@dataclass(slots=True)
class _Line:
    """A delivery's row while a transaction holds it, column by column."""

    conversation: str
    seq: int
    channel: str
    account: str
    by_bot: bool
    epoch: int
    state: str
    due_at: int
    span: int
    attempt: int
    failures: int
    done: int
    again: bool
    plain: bool
    refs: bytes
    error: str
    created_at: int
    ended_at: int | None
    once: bool


_KEY = ("conversation", "seq")
_COLUMNS = tuple(column.name for column in schema.delivery.columns)
_CHANGING = ("state", "due_at", "span", "attempt", "failures", "done", "again", "plain", "refs", "error", "ended_at")

_HOLD = locked(schema.delivery, _COLUMNS, _KEY, _KEY)
_CHANGE = update(schema.delivery, _CHANGING, _KEY)
_WORDS = found(schema.event, ("conversation", *EVENT, "payload"), _KEY)
_changed = attrgetter(*_CHANGING, *_KEY)
_refs = msgspec.json.Decoder(tuple[str, ...]).decode

_d = schema.delivery.c
_ahead = schema.delivery.alias("ahead").c
HEADS = Query(
    sa.select(_d.due_at, _d.conversation, _d.seq)
    .where(
        _d.channel == sa.bindparam("channel"),
        _d.account == sa.bindparam("account"),
        _d.ended_at.is_(None),
        _d.due_at <= sa.bindparam("now"),
        ~sa.exists().where(_ahead.conversation == _d.conversation, _ahead.seq < _d.seq, _ahead.ended_at.is_(None)),
    )
    .order_by(_d.due_at)
    .limit(sa.bindparam("most"))
)


_REF = Query(
    sa.select(schema.event.c.payload, _d.refs)
    .select_from(
        schema.event.outerjoin(
            schema.delivery, sa.and_(_d.conversation == schema.event.c.conversation, _d.seq == schema.event.c.seq)
        )
    )
    .where(schema.event.c.conversation == sa.bindparam("conversation"), schema.event.c.seq == sa.bindparam("seq"))
)


_SINCE = Query(
    sa.select(_d.seq, schema.event.c.payload, _d.refs)
    .join_from(
        schema.delivery,
        schema.event,
        sa.and_(schema.event.c.conversation == _d.conversation, schema.event.c.seq == _d.seq),
    )
    .where(
        _d.conversation == sa.bindparam("conversation"),
        _d.seq >= sa.bindparam("seq"),
        _d.by_bot.is_(False),
    )
    .order_by(_d.seq)
)


class _Heard(msgspec.Struct):
    ref: str = ""
    revises: int = 0


_heard = msgspec.json.Decoder(_Heard).decode


def ref_of(tx: Tx, asked: RefOf) -> str:
    for payload, refs in tx.query(_REF, conversation=asked.conversation, seq=asked.seq):
        return _heard(payload).ref or next(iter(_refs(refs or b"[]")), "")
    return ""


def refs_of(tx: Tx, asked: RefsOf) -> tuple[str, ...]:
    """Of the last time it was delivered."""
    found: tuple[str, ...] = ()
    for seq, payload, refs in tx.query(_SINCE, conversation=asked.conversation, seq=asked.seq):
        if seq == asked.seq or _heard(payload).revises == asked.seq:
            found = _refs(refs) or found
    return found


def send_claim(tx: Tx, units: Sequence[SendClaim]) -> list[tuple[Delivery, ...]]:
    return [_send_claim(tx, unit) for unit in units]


def _send_claim(tx: Tx, unit: SendClaim) -> tuple[Delivery, ...]:
    claimed: list[Delivery] = []
    while heads := _heads(tx, unit, unit.most - len(claimed)):
        conversations = tx.hold(sorted({conversation for _, conversation, _ in heads}))
        lines = _hold(tx, [(conversation, seq) for _, conversation, seq in heads])
        due = [line for line in lines if line.ended_at is None and line.due_at <= tx.now]
        ours = [line for line in due if not _silenced(line, conversations[line.conversation], tx.now)]
        for line in ours:
            line.again |= line.state == "sending"
            line.state, line.span, line.due_at = "sending", span(unit.lease.span), tx.now + span(unit.lease.span)
            line.attempt += 1
        tx.write((_CHANGE, list(map(_changed, due))))
        found = _deliveries(tx, ours, conversations)
        claimed += [_with_draft(tx, each) for each in found] if unit.drafts else found
        if len(ours) == len(due):
            break
    return tuple(claimed)


def _heads(tx: Tx, unit: SendClaim, most: int) -> list[Values]:
    heads: list[Values] = []
    if most > 0:
        for channel, account in unit.channels:
            heads += tx.query(HEADS, channel=channel, account=account, now=tx.now, most=most)
    return sorted(heads)[:most]


def _hold(tx: Tx, keys: Sequence[Values]) -> list[_Line]:
    return [_Line(*values) for values in tx.lock(_HOLD, keys)]


def _silenced(line: _Line, row: Row, now: int) -> bool:
    """The bot's words are not sent once control has moved; those that may be on the wire are not called cancelled."""
    if not line.by_bot or line.epoch == row.epoch:
        return False
    line.state = "unknown" if line.again or line.state == "sending" else "cancelled"
    line.ended_at = now
    return True


def _deliveries(tx: Tx, lines: Sequence[_Line], conversations: dict[str, Row]) -> list[Delivery]:
    events: dict[Values, Event] = {}
    for conversation, *values in tx.fetch(_WORDS, [(line.conversation, line.seq) for line in lines]):
        for event in events_of([tuple(values)]):
            events[conversation, event.seq] = event
    lines = sorted(lines, key=attrgetter("created_at", "conversation"))
    return [
        _delivery(line, events[line.conversation, line.seq], conversations[line.conversation], tx.now) for line in lines
    ]


def _delivery(line: _Line, event: Event, row: Row, now: int) -> Delivery:
    assert isinstance(event.body, Said)  # the database refuses a delivery of anything else
    return Delivery(
        id=delivery_id(line.conversation, line.seq),
        conversation=row.conversation_id,
        seq=line.seq,
        to=row.address,
        message=event.body.message,
        author=event.author,
        epoch=line.epoch,
        attempt=line.attempt,
        done=line.done,
        failures=line.failures,
        again=bool(line.again),
        plain=bool(line.plain),
        once=bool(line.once),
        revises=event.body.revises,
        age=timedelta(microseconds=now - line.created_at),
    )


def _with_draft(tx: Tx, delivery: Delivery) -> Delivery:
    if delivery.done:
        return delivery
    shown = settled_by(tx, delivery.conversation, delivery.seq)
    return msgspec.structs.replace(delivery, shown=shown) if shown else delivery


def settle(tx: Tx, units: Sequence[Settle]) -> list[bool]:
    keys = [parts_of(unit.delivery) for unit in units]
    lines = {(line.conversation, line.seq): line for line in _hold(tx, sorted(set(keys)))}
    results: list[bool] = []
    for key, unit in zip(keys, units, strict=True):
        line = lines.get(key)
        results.append(line is not None and _settle(line, unit, tx.now))
        if unit.settles:
            drop_draft(tx, [DropDraft(ConversationId(key[0]))])
    tx.write((_CHANGE, list(map(_changed, lines.values()))))
    return results


def _settle(line: _Line, unit: Settle, now: int) -> bool:
    if unit.refs:  # also the receipt of an attempt that somebody has repeated: the message is there twice
        line.refs = encode((*_refs(line.refs), *unit.refs))
    if line.state != "sending" or line.attempt != unit.attempt:
        return False
    line.state, line.done, line.error = unit.state, unit.done, unit.error
    line.plain |= unit.plain
    line.again |= unit.again
    if unit.state in ("waiting", "dead"):
        line.failures += unit.counted
    match unit.state:
        case "sending":
            line.due_at = now + line.span
        case "waiting":  # as long as the sender's clock says, by ours
            line.due_at = now + (max(0, span(unit.due_at - unit.at)) if unit.due_at else 0)
        case _:
            line.ended_at = micros(unit.at)
    return True
