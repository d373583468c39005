"""What a change of control does beside the conversation's row, and how words become deliveries."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from bot.model import Control, DeliveryId, Event
from bot.store import schema
from bot.store.rows import Row, Values, delivery_id, encode, take_control
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import NewHandoff

_h, _d = schema.handoff.c, schema.delivery.c

_ADD_HANDOFF = Query(sa.insert(schema.handoff).values({column.name: sa.bindparam(column.name) for column in _h}))
_TAKE_HANDOFF = Query(
    sa.update(schema.handoff)
    .where(_h.id == sa.bindparam("b_id"), _h.ended_at.is_(None))
    .values(agent=sa.bindparam("b_agent"), taken_at=sa.func.coalesce(_h.taken_at, sa.bindparam("b_at")))
)
_END_HANDOFF = Query(
    sa.update(schema.handoff)
    .where(_h.id == sa.bindparam("b_id"), _h.ended_at.is_(None))
    .values(ended_at=sa.bindparam("b_at"))
)
_OPEN_BEFORE = (
    _d.conversation == sa.bindparam("b_conversation"),
    _d.by_bot.is_(True),
    _d.epoch < sa.bindparam("b_epoch"),
    _d.ended_at.is_(None),
)
_CANCEL = Query(
    sa.update(schema.delivery)
    .where(*_OPEN_BEFORE, _d.state == sa.literal_column("'waiting'"))
    .values(
        state=sa.literal_column("CASE WHEN again THEN 'unknown' ELSE 'cancelled' END"), ended_at=sa.bindparam("b_at")
    )
    .returning(_d.due_at)
)
_HOLD_BACK = Query(
    sa.update(schema.delivery)
    .where(
        _d.conversation == sa.bindparam("b_conversation"),
        _d.ended_at.is_(None),
        _d.state == sa.literal_column("'waiting'"),
        _d.due_at < sa.bindparam("b_due_at"),
    )
    .values(due_at=sa.bindparam("b_due_at"))
    .returning(_d.seq)
)
_IN_FLIGHT = Query(
    sa.select(_d.seq).where(*_OPEN_BEFORE, _d.state == sa.literal_column("'sending'")).order_by(_d.seq).limit(1)
)


class Stopped(NamedTuple):
    """What a change of control found in the bot's line."""

    in_flight: DeliveryId | None
    """It may be on the wire already."""
    due_at: int
    """What is said now may be sent from then on: a platform that told us to wait means the chat, whatever is next."""


def change_control(tx: Tx, row: Row, control: Control, at: int, handoff: NewHandoff | None = None) -> Stopped:
    """Changes the held row, and cancels what the bot has not sent."""
    if row.handoff and row.handoff != control.handoff:
        tx.query(_END_HANDOFF, b_id=row.handoff, b_at=at)
    if handoff:
        tx.query(
            _ADD_HANDOFF,
            id=handoff.id,
            conversation=row.id,
            reason=handoff.reason,
            queue=handoff.queue,
            note=handoff.note,
            asked_at=at,
            agent="",
            taken_at=None,
            ended_at=None,
            priority=handoff.priority,
        )
        row.rank = -handoff.priority
    if control.state == "human" and control.handoff:
        tx.query(_TAKE_HANDOFF, b_id=control.handoff, b_agent=control.holder, b_at=at)
    take_control(row, control, at)
    before = {"b_conversation": row.id, "b_epoch": control.epoch}
    cancelled = tx.query(_CANCEL, **before, b_at=tx.now)
    in_flight = next((delivery_id(row.id, seq) for (seq,) in tx.query(_IN_FLIGHT, **before)), None)
    due_at = max((due_at for (due_at,) in cancelled), default=tx.now)
    if due_at > tx.now:
        tx.query(_HOLD_BACK, b_conversation=row.id, b_due_at=due_at)
    return Stopped(in_flight, due_at)


_NO_REFS = encode(())


def delivery_row(row: Row, event: Event, now: int, due_at: int = 0, *, once: bool = False) -> Values:
    """For the table `delivery`, column by column; the database refuses it when the event is not a public message."""
    return (
        *(row.id, event.seq, row.channel, row.account, event.author.kind == "bot", row.epoch),
        *("waiting", max(now, due_at), 0, 0, 0, 0, False, False, _NO_REFS, "", now, None, once),
    )
