"""What is known of a customer in all conversations: the slots of scope `customer`, with the contact."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from bot.model import Emptied, Filled, Json
from bot.store import schema
from bot.store.rows import encode
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import CustomerSlots

_decode = msgspec.json.Decoder(dict[str, Json]).decode

_c = schema.contact.c
_SLOTS = sa.select(_c.slots).where(_c.id == sa.bindparam("contact"))
_READ, _HOLD = Query(_SLOTS), Query(_SLOTS.with_for_update())
_WRITE = Query(sa.update(schema.contact).where(_c.id == sa.bindparam("b_id")).values(slots=sa.bindparam("b_slots")))


def customer_slots(tx: Tx, asked: CustomerSlots) -> dict[str, Json]:
    return _known(tx, _READ, asked.contact)


def learn(tx: Tx, contact: str, learnt: Iterable[Filled | Emptied]) -> None:
    """Slot by slot: what other conversations have learnt meanwhile stays."""
    slots = _known(tx, _HOLD, contact)
    for move in learnt:
        if isinstance(move, Filled):
            slots[move.slot] = move.value
        else:
            slots.pop(move.slot, None)
    tx.query(_WRITE, b_id=contact, b_slots=encode(slots))


def _known(tx: Tx, query: Query, contact: str) -> dict[str, Json]:
    return next((_decode(slots) for (slots,) in tx.query(query, contact=contact) if slots), {})
