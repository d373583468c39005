"""A conversation and its log: what the engine and every viewer ask."""

from __future__ import annotations

import sqlalchemy as sa

from bot.model import Address, Event
from bot.store import schema
from bot.store.rows import EVENT, Row, conversation_of, decode_state, events_of
from bot.store.statements import ADDRESS, CONVERSATION, Query
from bot.store.tx import Tx
from bot.units import Find, Found, Log, Unheard

_e = schema.event.c
_EVENTS = (
    sa.select(*(_e[name] for name in EVENT), _e.payload)
    .where(_e.conversation == sa.bindparam("conversation"), _e.seq > sa.bindparam("after"))
    .order_by(_e.seq)
)
_UNHEARD = Query(_EVENTS.where(_e.input.is_(True)))
_WITHIN = _EVENTS.where(_e.seq < sa.bindparam("before")).limit(sa.bindparam("most"))
_LOG = {
    (False, False): Query(_WITHIN),
    (False, True): Query(_WITHIN.where(_e.public.is_(True))),
    (True, False): Query(_WITHIN.order_by(None).order_by(_e.seq.desc())),
    (True, True): Query(_WITHIN.where(_e.public.is_(True)).order_by(None).order_by(_e.seq.desc())),
}
"""By `latest` and `public`."""

_ENDLESS = 2**62


def unheard(tx: Tx, asked: Unheard) -> tuple[Event, ...]:
    return events_of(tx.query(_UNHEARD, conversation=asked.conversation, after=asked.heard))


def log(tx: Tx, asked: Log) -> tuple[Event, ...]:
    found = tx.query(
        _LOG[asked.latest, asked.public],
        conversation=asked.conversation,
        after=asked.after,
        before=_ENDLESS if asked.before is None else asked.before,
        most=asked.most,
    )
    return events_of(reversed(found) if asked.latest else found)


# A conversation

_c = schema.conversation.c
_ROW = sa.select(*(_c[name] for name in CONVERSATION), _c.state)
_BY_ID = Query(_ROW.where(_c.id == sa.bindparam("id")))
_BY_ADDRESS = Query(_ROW.where(*(_c[name] == sa.bindparam(name) for name in ADDRESS)))


def find(tx: Tx, asked: Find) -> Found | None:
    match asked:
        case Find(conversation=str(id)):
            found = tx.query(_BY_ID, id=id)
        case Find(address=Address(channel, account, chat, thread)):
            found = tx.query(_BY_ADDRESS, channel=channel, account=account, chat=chat, thread=thread)
        case _:
            raise ValueError("Find needs an id or an address")
    for values in found:
        row = Row(*values)
        return Found(conversation_of(row), decode_state(row.state))
    return None
