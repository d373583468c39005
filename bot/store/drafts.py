"""Drafts as they stand on a platform: kept so that whoever goes on after a crash settles or drops the same one.

While its turn is taken a draft belongs to the turn; from T4 on to the delivery that settles it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from bot.model import Address, ConversationId
from bot.ports import Shown
from bot.store import schema
from bot.store.rows import Values, encode
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import DraftOf, DropDraft, PutDraft, Stranded, StrandedDraft

_d, _c, _l = schema.draft.c, schema.conversation.c, schema.delivery.c
_decode = msgspec.json.Decoder(Shown).decode

_PUT = Query(
    sa.text(
        "INSERT INTO draft (conversation, channel, account, turn, seq, shown)"
        " VALUES (:conversation, :channel, :account, :turn, 0, :shown)"
        " ON CONFLICT (conversation) DO UPDATE SET turn = excluded.turn, seq = 0, shown = excluded.shown"
    )
)
_HAND = Query(sa.update(schema.draft).where(_d.conversation == sa.bindparam("b_id")).values(seq=sa.bindparam("b_seq")))
_OF = Query(sa.select(_d.shown).where(_d.conversation == sa.bindparam("conversation"), _d.turn == sa.bindparam("turn")))
_AT = Query(sa.select(_d.shown).where(_d.conversation == sa.bindparam("conversation"), _d.seq == sa.bindparam("seq")))
_DROP = Query(sa.delete(schema.draft).where(_d.conversation == sa.bindparam("conversation")).returning(_d.conversation))
_STRANDED = Query(
    sa.select(_d.conversation, _c.channel, _c.account, _c.chat, _c.thread, _d.shown)
    .join_from(schema.draft, schema.conversation, _c.id == _d.conversation)
    .outerjoin(schema.delivery, sa.and_(_l.conversation == _d.conversation, _l.seq == _d.seq))
    .where(
        _d.channel == sa.bindparam("channel"),
        _d.account == sa.bindparam("account"),
        # Its turn is over and no message settles it, or the one that was to do so will not be sent.
        sa.or_(
            sa.and_(_d.seq == sa.literal_column("0"), _c.heard != _d.turn),
            sa.and_(_d.seq != sa.literal_column("0"), _l.ended_at.is_not(None)),
        ),
    )
    .order_by(_d.conversation)
    .limit(sa.bindparam("most"))
)


def put_draft(tx: Tx, units: Sequence[PutDraft]) -> list[None]:
    for unit in units:
        tx.query(
            _PUT,
            conversation=unit.conversation,
            channel=unit.to.channel,
            account=unit.to.account,
            turn=unit.turn,
            shown=encode(unit.shown),
        )
    return [None] * len(units)


def drop_draft(tx: Tx, units: Sequence[DropDraft]) -> list[bool]:
    return [bool(tx.query(_DROP, conversation=unit.conversation)) for unit in units]


def hand_over(tx: Tx, conversation: str, seq: int) -> None:
    """To the delivery of this event."""
    tx.query(_HAND, b_id=conversation, b_seq=seq)


def settled_by(tx: Tx, conversation: str, seq: int) -> Shown | None:
    return _first(tx.query(_AT, conversation=conversation, seq=seq))


def draft_of(tx: Tx, asked: DraftOf) -> Shown | None:
    return _first(tx.query(_OF, conversation=asked.conversation, turn=asked.turn))


def stranded(tx: Tx, asked: Stranded) -> tuple[StrandedDraft, ...]:
    found = (
        tx.query(_STRANDED, channel=channel, account=account, most=asked.most) for channel, account in asked.channels
    )
    return tuple(
        StrandedDraft(ConversationId(id), Address(*place), _decode(shown))
        for rows in found
        for id, *place, shown in rows
    )


def _first(rows: Sequence[Values]) -> Shown | None:
    return next((_decode(shown) for (shown,) in rows), None)
