"""What waits: asked by whoever watches the program, every few seconds, so nothing is counted beyond a thousand."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store import schema
from bot.store.lists import COUNTED
from bot.store.rows import instant
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import Backlog, BacklogFound, Unsent

_c, _e, _d = schema.conversation.c, schema.event.c, schema.delivery.c
_l = schema.dead_letter.c

_FIRST_UNHEARD = (
    sa.select(_e.at)
    .where(_e.conversation == _c.id, _e.seq > _c.heard, _e.input.is_(True))
    .order_by(_e.seq)
    .limit(1)
    .scalar_subquery()
)

# The conditions are those of the partial indexes, as the indexes have them, and the orders are the indexes' own.
_UNHEARD = (
    sa.select(_FIRST_UNHEARD.label("at"))
    .select_from(schema.conversation)
    .where(sa.text("input_seq > heard AND control <> 'paused'"))
    .order_by(_c.ready_at)
)
_WAITING = (
    sa.select(_c.waiting_since.label("at"))
    .where(sa.text("waiting_since IS NOT NULL"))
    .order_by(_c.rank, _c.waiting_since)
)
_SAID = sa.select(_e.at).where(_e.conversation == _d.conversation, _e.seq == _d.seq).scalar_subquery()
_UNSENT = (
    sa.select(_SAID.label("at"))  # by our clock, as the others: `created_at` is in the store's own time
    .select_from(schema.delivery)
    .where(sa.text("ended_at IS NULL"))
    .order_by(_d.conversation, _d.seq)
)
_DEAD = sa.select(_d.ended_at.label("at")).where(sa.text("state = 'dead'")).order_by(_d.ended_at)
_UNREADABLE = sa.select(_l.at.label("at")).order_by(_l.id)


def _summed(found: sa.Select[tuple[int]]) -> Query:
    those = found.limit(COUNTED).subquery()
    return Query(sa.select(sa.func.count(), sa.func.min(those.c.at)).select_from(those))


SUMS = {
    "unheard": _summed(_UNHEARD),
    "waiting": _summed(_WAITING),
    "unsent": _summed(_UNSENT),
    "dead": _summed(_DEAD),
    "unreadable": _summed(_UNREADABLE),
}


def backlog(tx: Tx, _: Backlog) -> BacklogFound:
    found = {name: tx.query(query)[0] for name, query in SUMS.items()}
    return BacklogFound(
        unheard=found["unheard"][0],
        unheard_since=_since(found["unheard"][1]),
        waiting=found["waiting"][0],
        waiting_since=_since(found["waiting"][1]),
        unsent=found["unsent"][0],
        unsent_since=_since(found["unsent"][1]),
        dead=found["dead"][0],
        unreadable=found["unreadable"][0],
    )


_UNSENT_OF = Query(
    sa.select(sa.func.count()).select_from(
        sa.select(_d.seq)
        .where(
            _d.channel == sa.bindparam("channel"), _d.account == sa.bindparam("account"), sa.text("ended_at IS NULL")
        )
        .limit(COUNTED)
        .subquery()
    )
)


def unsent(tx: Tx, asked: Unsent) -> int:
    ((number,),) = tx.query(_UNSENT_OF, channel=asked.channel, account=asked.account)
    return int(number)


def _since(oldest: int | None) -> datetime | None:
    return None if oldest is None else instant(oldest)
