"""Versions of flows as they were published, and the conversations that stand in them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.model import ConversationId, State
from bot.store import schema
from bot.store.rows import Values, decode_state, instant, micros
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import Issued, Publication, Publish, Published, PublishedFlow, Standing

_f, _c = schema.flow_version.c, schema.conversation.c

_PUT = Query(
    sa.text(
        "INSERT INTO flow_version (flow, version, at, structure, source)"
        " VALUES (:flow, :version, :at, :structure, :source)"
        " ON CONFLICT (flow, version) DO UPDATE"
        " SET at = excluded.at, structure = excluded.structure, source = excluded.source"
    )
)
_HEADS = Query(sa.select(_f.flow, _f.version, _f.at).order_by(_f.flow, _f.at, _f.version))
_ONE = Query(
    sa.select(_f.structure, _f.source, _f.at).where(
        _f.flow == sa.bindparam("flow"), _f.version == sa.bindparam("version")
    )
)
_STANDING = Query(
    sa.select(_c.id, _c.channel, _c.account, _c.state)
    .where(_c.id > sa.bindparam("after"), _c.status != sa.literal_column("'resolved'"))
    .order_by(_c.id)
    .limit(sa.bindparam("most"))
)


def publish(tx: Tx, units: Sequence[Publish]) -> list[Issued]:
    return [_publish(tx, unit) for unit in units]


def _publish(tx: Tx, unit: Publish) -> Issued:
    """Later than all before, whatever the clock says: what was published last is found by it."""
    heads = tx.query(_HEADS)
    at = max((micros(unit.at), *(moment + 1 for _, _, moment in heads)))
    for each in sorted(unit.flows, key=lambda flow: flow.flow):  # processes that start together wait in one order
        tx.query(_PUT, flow=each.flow, version=each.version, at=at, structure=each.structure, source=each.source)
    return Issued(_last(heads), instant(at))


def published(tx: Tx, _: Published) -> tuple[tuple[str, str], ...]:
    return _last(tx.query(_HEADS))


def _last(heads: Sequence[Values]) -> tuple[tuple[str, str], ...]:
    return tuple({flow: version for flow, version, _ in heads}.items())


def publication(tx: Tx, asked: Publication) -> PublishedFlow | None:
    for structure, source, at in tx.query(_ONE, flow=asked.flow, version=asked.version):
        return PublishedFlow(flow=asked.flow, version=asked.version, structure=structure, source=source, at=instant(at))
    return None


def standing(tx: Tx, asked: Standing) -> tuple[tuple[ConversationId, State], ...]:
    after: str = asked.after
    while found := tx.query(_STANDING, after=after, most=asked.most):
        ours = [(id, state) for id, channel, account, state in found if (channel, account) not in asked.besides]
        if ours:
            return tuple((ConversationId(id), decode_state(state)) for id, state in ours)
        after = found[-1][0]
    return ()
