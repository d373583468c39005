"""One person on several channels: identities that go to another contact and back, and the codes that prove it.

A log is a conversation's, so nothing of it is touched: what moves is whom the conversation is with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from bot.model import ContactId, Json
from bot.store import schema
from bot.store.rows import encode, micros
from bot.store.statements import Query, pattern
from bot.store.tx import Tx
from bot.units import (
    FindPeople,
    Identities,
    Identity,
    IssueLink,
    Linked,
    Merge,
    Person,
    PutIdentity,
    RedeemLink,
    Unmerge,
)

MOST_TRIES = 5
"""Wrong codes of one contact within `TRIES_WITHIN`."""
TRIES_WITHIN = 3600 * 1_000_000

_i, _c, _p = schema.identity.c, schema.conversation.c, schema.contact.c
_e, _l, _t = schema.event.c, schema.link.c, schema.link_try.c
_decode = msgspec.json.Decoder(dict[str, Json]).decode

_OF = Query(
    sa.select(_i.channel, _i.external, _i.language, _i.zone, _i.origin)
    .where(_i.contact == sa.bindparam("contact"))
    .order_by(_i.channel, _i.external)
)
_ONE = Query(
    sa.select(_i.contact, _i.origin)
    .where(_i.channel == sa.bindparam("channel"), _i.external == sa.bindparam("external"))
    .with_for_update()
)
_PEOPLE = Query(
    sa.select(_p.id, _p.slots)
    .where(_p.id.in_([sa.bindparam("first"), sa.bindparam("second")]))
    .order_by(_p.id)
    .with_for_update()
)
_SLOTS = Query(sa.update(schema.contact).where(_p.id == sa.bindparam("b_id")).values(slots=sa.bindparam("b_slots")))
_TAKE = Query(
    sa.update(schema.identity)
    .where(_i.contact == sa.bindparam("b_from"))
    .values(
        contact=sa.bindparam("b_into"),
        origin=sa.case((_i.origin == sa.literal_column("''"), sa.bindparam("b_from")), else_=_i.origin),
    )
)
_TAKE_TALKS = Query(
    sa.update(schema.conversation).where(_c.contact == sa.bindparam("b_from")).values(contact=sa.bindparam("b_into"))
)
_GIVE = Query(
    sa.update(schema.identity)
    .where(_i.channel == sa.bindparam("b_channel"), _i.external == sa.bindparam("b_external"))
    .values(contact=_i.origin, origin=sa.literal_column("''"))
)
_BEGUN_BY = (
    sa.select(_e.conversation)
    .where(
        _e.conversation == _c.id,
        _e.seq == sa.literal_column("1"),
        _e.author_kind == sa.literal_column("'customer'"),
        _e.author_id == sa.bindparam("b_external"),
    )
    .exists()
)
_GIVE_TALKS = Query(
    sa.update(schema.conversation)
    .where(_c.contact == sa.bindparam("b_from"), _c.channel == sa.bindparam("b_channel"), _BEGUN_BY)
    .values(contact=sa.bindparam("b_into"))
)
_DESCRIBE = Query(
    sa.update(schema.identity)
    .where(_i.channel == sa.bindparam("b_channel"), _i.external == sa.bindparam("b_external"))
    .values(
        language=sa.func.coalesce(sa.bindparam("b_language", type_=sa.Text), _i.language),
        zone=sa.func.coalesce(sa.bindparam("b_zone", type_=sa.Text), _i.zone),
    )
    .returning(_i.contact)
)


_LIKE: sa.BindParameter[str] = sa.bindparam("like")
_FOUND = Query(
    sa.select(_p.id, _p.name)
    .where(
        sa.exists().where(
            _i.contact == _p.id,
            sa.or_(
                *(sa.func.lower(each).like(_LIKE, escape="\\") for each in (_p.name, _i.external)),
                _p.id.like(sa.bindparam("ends")),
            ),
        )
    )
    .order_by(_p.id.desc())
    .limit(sa.bindparam("most"))
)
_END = re.compile("[0-9a-f]{4}")
_TALKS = Query(sa.select(sa.func.count()).where(_c.contact == sa.bindparam("contact")))


def find_people(tx: Tx, asked: FindPeople) -> tuple[Person, ...]:
    """Who was merged into another has no identity left, and is not found."""
    last = asked.search.lower().split()[-1:]
    ends = f"%{last[0]}" if last and _END.fullmatch(last[0]) else ""
    return tuple(
        Person(
            contact=ContactId(id),
            name=name,
            conversations=tx.query(_TALKS, contact=id)[0][0],
            identities=tuple((channel, external) for channel, external, *_ in tx.query(_OF, contact=id)),
        )
        for id, name in tx.query(_FOUND, like=pattern(asked.search), ends=ends, most=asked.most)
    )


def merge(tx: Tx, units: Sequence[Merge]) -> list[bool]:
    return [_merge(tx, unit.into, unit.contact) for unit in units]


def _merge(tx: Tx, into: str, contact: str) -> bool:
    people = {id: _decode(slots) if slots else {} for id, slots in tx.query(_PEOPLE, first=into, second=contact)}
    if len(people) < 2:
        return False
    if missing := {name: value for name, value in people[contact].items() if name not in people[into]}:
        tx.query(_SLOTS, b_id=into, b_slots=encode({**people[into], **missing}))
    tx.query(_TAKE, b_from=contact, b_into=into)
    tx.query(_TAKE_TALKS, b_from=contact, b_into=into)
    tx.forget()
    return True


def unmerge(tx: Tx, units: Sequence[Unmerge]) -> list[ContactId | None]:
    return [_unmerge(tx, unit) for unit in units]


def _unmerge(tx: Tx, unit: Unmerge) -> ContactId | None:
    for contact, origin in tx.query(_ONE, channel=unit.channel, external=unit.external):
        if origin:
            who = {"b_channel": unit.channel, "b_external": unit.external}
            tx.query(_GIVE, **who)
            tx.query(_GIVE_TALKS, **who, b_from=contact, b_into=origin)
            tx.forget()
            return ContactId(origin)
    return None


def put_identity(tx: Tx, units: Sequence[PutIdentity]) -> list[bool]:
    return [
        bool(
            tx.query(
                _DESCRIBE,
                b_channel=unit.channel,
                b_external=unit.external,
                b_language=unit.language,
                b_zone=unit.zone,
            )
        )
        for unit in units
    ]


def identities(tx: Tx, asked: Identities) -> tuple[Identity, ...]:
    return tuple(
        Identity(channel=channel, external=external, language=language, zone=zone, merged=bool(origin))
        for channel, external, language, zone, origin in tx.query(_OF, contact=asked.contact)
    )


# Codes

_ISSUE = Query(
    sa.insert(schema.link).values({name: sa.bindparam(name) for name in ("digest", "contact", "until", "used_by")})
)
_EXPIRED = Query(sa.delete(schema.link).where(_l.until <= sa.bindparam("now")))
_FIND = Query(sa.select(_l.contact, _l.until, _l.used_by).where(_l.digest == sa.bindparam("digest")).with_for_update())
_USE = Query(
    sa.update(schema.link).where(_l.digest == sa.bindparam("b_digest")).values(used_by=sa.bindparam("b_used_by"))
)
_TRIES = Query(sa.select(_t.count, _t.since).where(_t.contact == sa.bindparam("contact")))
_TRY = Query(
    sa.text(
        "INSERT INTO link_try (contact, count, since) VALUES (:contact, 1, :now)"
        " ON CONFLICT (contact) DO UPDATE SET"
        " count = CASE WHEN link_try.since <= :before THEN 1 ELSE link_try.count + 1 END,"
        " since = CASE WHEN link_try.since <= :before THEN excluded.since ELSE link_try.since END"
    )
)


def issue_link(tx: Tx, units: Sequence[IssueLink]) -> list[None]:
    for unit in units:
        tx.query(_EXPIRED, now=micros(unit.at))
        tx.query(_ISSUE, digest=unit.digest, contact=unit.contact, until=micros(unit.until), used_by="")
    return [None] * len(units)


def redeem_link(tx: Tx, units: Sequence[RedeemLink]) -> list[Linked]:
    return [_redeem(tx, unit) for unit in units]


def _redeem(tx: Tx, unit: RedeemLink) -> Linked:
    now = micros(unit.at)
    for contact, _ in tx.query(_ONE, channel=unit.channel, external=unit.external):
        found = tx.query(_FIND, digest=unit.digest)
        if found and found[0][2] == f"{unit.channel}/{unit.external}":
            return "linked"  # it was this identity that used it: the turn is taken again
        before = now - TRIES_WITHIN
        tries = [count for count, since in tx.query(_TRIES, contact=contact) if since > before]
        if tries and tries[0] >= MOST_TRIES:
            return "too_many"
        if not found or found[0][1] <= now or found[0][2]:
            tx.query(_TRY, contact=contact, now=now, before=before)
            return "unknown"
        if found[0][0] == contact:
            return "same"
        tx.query(_USE, b_digest=unit.digest, b_used_by=f"{unit.channel}/{unit.external}")
        return "linked" if _merge(tx, found[0][0], contact) else "unknown"
    return "unknown"
