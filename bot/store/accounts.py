"""Accounts of the console and their sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bot.model import AgentId
from bot.store import schema
from bot.store.rows import Values, instant, micros
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import Agent, Agents, DropSignIns, FindAgent, FindSignIn, PutAgent, PutSignIn, SignIn

_a, _s = schema.agent.c, schema.sign_in.c

_AGENT = sa.select(_a.id, _a.email, _a.name, _a.role, _a.password, _a.disabled, _a.created_at)
_BY_ID = Query(_AGENT.where(_a.id == sa.bindparam("id")))
_BY_EMAIL = Query(_AGENT.where(_a.email_folded == sa.bindparam("email")))
_ALL = Query(_AGENT.order_by(_a.created_at, _a.id))
_ADD = Query(sa.insert(schema.agent).values({column.name: sa.bindparam(column.name) for column in _a}))
_REPLACE = Query(
    sa.update(schema.agent)
    .where(_a.id == sa.bindparam("b_id"))
    .values({column.name: sa.bindparam(column.name) for column in _a if column.name not in ("id", "created_at")})
)


def put_agent(tx: Tx, units: Sequence[PutAgent]) -> list[bool]:
    return [_put_agent(tx, unit.agent) for unit in units]


def _put_agent(tx: Tx, agent: Agent) -> bool:
    folded = agent.email.casefold()
    if any(id != agent.id for id, *_ in tx.query(_BY_EMAIL, email=folded)):
        return False
    known = bool(tx.query(_BY_ID, id=agent.id))
    values: dict[str, Any] = {
        "email": agent.email,
        "email_folded": folded,
        "name": agent.name,
        "role": agent.role,
        "password": agent.password,
        "disabled": agent.disabled,
    }
    if known:
        tx.query(_REPLACE, b_id=agent.id, **values)
    else:
        tx.query(_ADD, id=agent.id, created_at=micros(agent.created_at), **values)
    return True


def find_agent(tx: Tx, asked: FindAgent) -> Agent | None:
    if asked.id is not None:
        found = tx.query(_BY_ID, id=asked.id)
    elif asked.email is not None:
        found = tx.query(_BY_EMAIL, email=asked.email.casefold())
    else:
        raise ValueError("FindAgent needs an id or an e-mail address")
    return next(map(_agent, found), None)


def agents(tx: Tx, _: Agents) -> tuple[Agent, ...]:
    return tuple(map(_agent, tx.query(_ALL)))


def _agent(values: Values) -> Agent:
    id, email, name, role, password, disabled, created_at = values
    return Agent(
        id=AgentId(id),
        email=email,
        name=name,
        role=role,
        password=password,
        disabled=bool(disabled),
        created_at=instant(created_at),
    )


_ADD_SIGN_IN = Query(sa.insert(schema.sign_in).values({column.name: sa.bindparam(column.name) for column in _s}))
_MOVE_SIGN_IN = Query(
    sa.update(schema.sign_in)
    .where(_s.digest == sa.bindparam("b_digest"))
    .values(seen_at=sa.bindparam("b_seen_at"))
    .returning(_s.digest)
)
_DROP_ONE = Query(sa.delete(schema.sign_in).where(_s.digest == sa.bindparam("digest")))
_DROP_ALL = Query(sa.delete(schema.sign_in).where(_s.agent == sa.bindparam("agent")))
_FIND_SIGN_IN = Query(
    _AGENT.join_from(schema.sign_in, schema.agent, _s.agent == _a.id)
    .add_columns(_s.csrf, _s.created_at.label("signed_in_at"), _s.seen_at)
    .where(_s.digest == sa.bindparam("digest"))
)


def put_sign_in(tx: Tx, units: Sequence[PutSignIn]) -> list[None]:
    for unit in units:
        sign_in = unit.sign_in
        if not tx.query(_MOVE_SIGN_IN, b_digest=sign_in.digest, b_seen_at=micros(sign_in.seen_at)):
            tx.query(
                _ADD_SIGN_IN,
                digest=sign_in.digest,
                agent=sign_in.agent,
                csrf=sign_in.csrf,
                created_at=micros(sign_in.created_at),
                seen_at=micros(sign_in.seen_at),
            )
    return [None] * len(units)


def drop_sign_ins(tx: Tx, units: Sequence[DropSignIns]) -> list[None]:
    for unit in units:
        if unit.digest is not None:
            tx.query(_DROP_ONE, digest=unit.digest)
        if unit.agent is not None:
            tx.query(_DROP_ALL, agent=unit.agent)
    return [None] * len(units)


def find_sign_in(tx: Tx, asked: FindSignIn) -> tuple[SignIn, Agent] | None:
    for *values, csrf, created_at, seen_at in tx.query(_FIND_SIGN_IN, digest=asked.digest):
        agent = _agent(tuple(values))
        sign_in = SignIn(
            digest=asked.digest, agent=agent.id, csrf=csrf, created_at=instant(created_at), seen_at=instant(seen_at)
        )
        return sign_in, agent
    return None
