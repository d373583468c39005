"""What the console asks: queues of conversations, their counts, a customer's card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bot.model import Conversation
from bot.store import schema
from bot.store.rows import Row, Values, conversation_of, delivery_id, instant
from bot.store.statements import CONVERSATION, Query, pattern
from bot.store.tx import Tx
from bot.units import (
    ContactCard,
    ContactOf,
    CountViews,
    DeadLetters,
    Deliveries,
    KeepDead,
    Latest,
    Queue,
    QueuePage,
    QueueRow,
    View,
)

_c, _h = schema.conversation.c, schema.handoff.c

# The conditions of the partial indexes are written as the indexes have them.
_VIEWS: Mapping[View, tuple[sa.ColumnElement[bool] | sa.TextClause, ...]] = {
    "needs-reply": (_c.waiting_since.is_not(None),),
    "mine": (sa.text("holder <> ''"), _c.holder == sa.bindparam("agent")),
    "unassigned": (sa.text("control IN ('queued', 'offered')"),),
    "bot": (_c.status == sa.literal_column("'open'"), _c.control == sa.literal_column("'bot'")),
    "resolved": (_c.status == sa.literal_column("'resolved'"),),
    "all": (_c.status == sa.literal_column("'open'"),),
}

_SHOWN = (
    sa.select(*(_c[name] for name in CONVERSATION), sa.literal(b"").label("no_state"), _h.note)
    .select_from(schema.conversation.outerjoin(schema.handoff, _h.id == _c.handoff))
    .limit(sa.bindparam("most"))
)
_id = sa.bindparam("id", type_=sa.Text)
_rank = sa.bindparam("rank", type_=sa.BigInteger)
_moment = sa.bindparam("moment", type_=sa.BigInteger)
_WAITING = (
    _SHOWN.where(_c.waiting_since.is_not(None))
    .where(sa.tuple_(_c.rank, _c.waiting_since, _c.id) > sa.tuple_(_rank, _moment, _id))
    .order_by(_c.rank, _c.waiting_since, _c.id)
)
_LATEST = (
    _SHOWN.where(_c.waiting_since.is_(None))
    .where(sa.tuple_(_c.active_at, _c.id) < sa.tuple_(_moment, _id))
    .order_by(_c.active_at.desc(), _c.id.desc())
)
_FOUND = sa.or_(
    sa.func.lower(_c.customer).like(sa.bindparam("like"), escape="\\"),
    sa.func.lower(_c.last_text).like(sa.bindparam("like"), escape="\\"),
)
_ONLY = _c.id == sa.bindparam("only")


def _pages(whole: sa.Select[Any]) -> dict[tuple[View, bool, bool], Query]:
    pages: dict[tuple[View, bool, bool], Query] = {}
    for view, conditions in _VIEWS.items():
        page = whole.where(*conditions)
        for searched in (False, True):
            for only in (False, True):
                narrowed = page.where(*((_FOUND,) if searched else ()), *((_ONLY,) if only else ()))
                pages[view, searched, only] = Query(narrowed)
    return pages


PAGES = {"waiting": _pages(_WAITING), "latest": _pages(_LATEST)}
"""By part of the queue; then by view, whether something is searched, and whether only one conversation is wanted."""

_START = {"waiting": (-(2**62), 0, ""), "latest": (0, 2**62, "")}


def queue(tx: Tx, asked: Queue) -> QueuePage:
    """First those that wait for a human, by priority and then the longest first; then the others, the latest first."""
    part, rank, moment, id = _placed(asked.cursor)
    rows: list[Values] = []
    given = {"agent": asked.agent, "like": pattern(asked.search), "only": asked.conversation}
    kind = asked.view, bool(asked.search), asked.conversation is not None
    if part == "waiting":
        rows = tx.query(PAGES[part][kind], most=asked.most + 1, rank=rank, moment=moment, id=id, **given)
        _, moment, id = _START["latest"]
    if len(rows) <= asked.most and asked.view != "needs-reply":
        more = asked.most + 1 - len(rows)
        rows += tx.query(PAGES["latest"][kind], most=more, moment=moment, id=id, **given)
    shown = tuple(map(_shown, rows[: asked.most]))
    return QueuePage(shown, _cursor(rows[asked.most - 1]) if len(rows) > asked.most else None)


def _placed(cursor: str | None) -> tuple[str, int, int, str]:
    """After which row the page begins. A cursor comes back from a browser: whatever is not one of ours is refused."""
    if cursor is None:
        return ("waiting", *_START["waiting"])
    part, _, rest = cursor.partition(".")
    rank, _, rest = rest.partition(".")
    moment, _, id = rest.partition(".")
    try:
        return ("waiting" if part == "w" else "latest", int(rank), int(moment), id)
    except ValueError:
        raise ValueError(f"not a cursor: {cursor!r}") from None


def _cursor(values: Values) -> str:
    row = Row(*values[:-1])
    if row.waiting_since is not None:
        return f"w.{row.rank}.{row.waiting_since}.{row.id}"
    return f"l.0.{row.active_at}.{row.id}"


def _shown(values: Values) -> QueueRow:
    row = Row(*values[:-1])
    return QueueRow(
        conversation=conversation_of(row),
        customer=row.customer,
        reason=row.reason,
        note=values[-1] or "",
        priority=-row.rank,
        last_by=row.last_by,  # type: ignore[arg-type]  # an author's kind
        last_text=row.last_text,
        last_at=instant(row.last_at),
        waiting_since=None if row.waiting_since is None else instant(row.waiting_since),
        unread=row.unread,
    )


COUNTED = 1000
"""Nobody reads a longer queue to its end, and counting must not grow with what is stored."""

_COUNTS = {
    view: Query(sa.select(sa.func.count()).select_from(sa.select(_c.id).where(*conditions).limit(COUNTED).subquery()))
    for view, conditions in _VIEWS.items()
}


def count_views(tx: Tx, asked: CountViews) -> dict[View, int]:
    return {view: tx.query(count, agent=asked.agent)[0][0] for view, count in _COUNTS.items()}


_LAST_SPOKEN = Query(
    sa.select(*(_c[name] for name in CONVERSATION), _c.state)
    .where(
        *(_c[name] == sa.bindparam(name) for name in ("channel", "account", "chat")),
        _c.status == sa.literal_column("'open'"),
    )
    .order_by(_c.spoke_at.desc(), _c.id.desc())
    .limit(1)
)


def latest(tx: Tx, asked: Latest) -> Conversation | None:
    for values in tx.query(_LAST_SPOKEN, channel=asked.channel, account=asked.account, chat=asked.chat):
        return conversation_of(Row(*values))
    return None


_p, _i = schema.contact.c, schema.identity.c
_CONTACT = Query(
    sa.select(_p.id, _p.name, _p.language, _p.created_at)
    .join_from(schema.conversation, schema.contact, _c.contact == _p.id)
    .where(_c.id == sa.bindparam("id"))
)
_IDENTITIES = Query(
    sa.select(_i.channel, _i.external).where(_i.contact == sa.bindparam("contact")).order_by(_i.channel, _i.external)
)
_HOW_MANY = Query(sa.select(sa.func.count()).where(_c.contact == sa.bindparam("contact")))


def contact_of(tx: Tx, asked: ContactOf) -> ContactCard | None:
    for id, name, language, created_at in tx.query(_CONTACT, id=asked.conversation):
        return ContactCard(
            id=id,
            name=name,
            language=language,
            created_at=instant(created_at),
            conversations=tx.query(_HOW_MANY, contact=id)[0][0],
            identities=tuple((channel, external) for channel, external in tx.query(_IDENTITIES, contact=id)),
        )
    return None


_d, _l = schema.delivery.c, schema.dead_letter.c
_DELIVERIES = Query(
    sa.select(_d.seq, _d.state, _d.error).where(_d.conversation == sa.bindparam("conversation")).order_by(_d.seq)
)
_DEAD = Query(
    sa.select(_l.channel, _l.account, _l.key, _l.why, _l.raw, _l.at).order_by(_l.id.desc()).limit(sa.bindparam("most"))
)


def deliveries(tx: Tx, asked: Deliveries) -> tuple[Values, ...]:
    id = asked.conversation
    return tuple(
        (delivery_id(id, seq), seq, state, error) for seq, state, error in tx.query(_DELIVERIES, conversation=id)
    )


def dead_letters(tx: Tx, asked: DeadLetters) -> tuple[KeepDead, ...]:
    """The latest first."""
    return tuple(
        KeepDead(channel=channel, account=account, key=key, why=why, raw=raw, at=instant(at))
        for channel, account, key, why, raw, at in tx.query(_DEAD, most=asked.most)
    )
