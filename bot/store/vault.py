"""What accounts of channels keep for themselves, sealed before it comes here; and who holds a single connection."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store import schema
from bot.store.rows import micros, span
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import Hold, LetGo, PutSecret, Secret, SecretNames

_s, _l = schema.secret.c, schema.lease.c

_PUT = Query(
    sa.text(
        "INSERT INTO secret (account, name, sealed, at) VALUES (:account, :name, :sealed, :at)"
        " ON CONFLICT (account, name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at"
    )
)
_ONE = (_s.account == sa.bindparam("account"), _s.name == sa.bindparam("name"))
_DROP = Query(sa.delete(schema.secret).where(*_ONE))
_READ = Query(sa.select(_s.sealed).where(*_ONE))
_NAMES = Query(
    sa.select(_s.name)
    .where(_s.account == sa.bindparam("account"), sa.func.substr(_s.name, 1, sa.bindparam("most")) == sa.bindparam("p"))
    .order_by(_s.name)
)


def put_secret(tx: Tx, units: Sequence[PutSecret]) -> list[None]:
    for unit in units:
        if unit.sealed is None:
            tx.query(_DROP, account=unit.account, name=unit.name)
        else:
            tx.query(_PUT, account=unit.account, name=unit.name, sealed=unit.sealed, at=micros(unit.at))
    return [None] * len(units)


def secret(tx: Tx, asked: Secret) -> bytes | None:
    return next((bytes(sealed) for (sealed,) in tx.query(_READ, account=asked.account, name=asked.name)), None)


def secret_names(tx: Tx, asked: SecretNames) -> tuple[str, ...]:
    found = tx.query(_NAMES, account=asked.account, most=len(asked.prefix), p=asked.prefix)
    return tuple(name for (name,) in found)


_HOLD = Query(
    sa.text(
        "INSERT INTO lease (name, worker, until, fence) VALUES (:name, :worker, :until, 1)"
        " ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, until = excluded.until,"
        " fence = lease.fence + CASE WHEN lease.worker = excluded.worker THEN 0 ELSE 1 END"
        " WHERE lease.worker = excluded.worker OR lease.until <= :now"
        " RETURNING fence"
    )
)
_LET_GO = Query(
    sa.update(schema.lease)
    .where(_l.name == sa.bindparam("b_name"), _l.worker == sa.bindparam("b_worker"))
    .values(until=sa.literal_column("0"), worker=sa.literal_column("''"))
    .returning(_l.name)
)


def hold(tx: Tx, units: Sequence[Hold]) -> list[int | None]:
    return [_hold(tx, unit) for unit in units]


def _hold(tx: Tx, unit: Hold) -> int | None:
    until = tx.now + span(unit.lease.span)
    found = tx.query(_HOLD, name=unit.name, worker=unit.lease.worker, until=until, now=tx.now)
    return next((fence for (fence,) in found), None)


def let_go(tx: Tx, units: Sequence[LetGo]) -> list[bool]:
    return [bool(tx.query(_LET_GO, b_name=unit.name, b_worker=unit.worker)) for unit in units]
