"""What platforms tell beside words: who may be reached, where a chat has gone, what a person said there for us."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from bot.model import (
    SYSTEM,
    Author,
    Closed,
    Control,
    Controlled,
    Echoed,
    Event,
    Halted,
    Migrated,
    Noted,
    Opened,
    Pressed,
    Reachable,
    Reacted,
    Said,
    Submitted,
    Viewed,
)
from bot.store import schema
from bot.store.control import change_control
from bot.store.rows import Appending, Row, Values, decode_state, micros, set_alarm
from bot.store.statements import Query
from bot.store.tx import Tx
from bot.units import Accept

COMMON = frozenset((Said, Pressed, Opened))
"""All that most arrivals are made of: they need nothing of what stands here."""
UNSEEN = (Opened, Reacted, Viewed, Halted, Closed, Reachable, Migrated, Noted)
"""Nothing in a conversation as its customer sees it."""
SPEAKS = (Said, Pressed, Submitted, Opened)
"""With these a customer opens a conversation again that was closed."""

_c = schema.conversation.c
_REST = ("control", "epoch", "holder", "holder_name", "since", "reason", "handoff", "waiting_since", "wake_at")
_WRITE_REST = Query(
    sa.update(schema.conversation)
    .where(_c.id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(f"b_{name}") for name in _REST})
)
_there = schema.conversation.alias("there").c
_MOVE = Query(
    sa.update(schema.conversation)
    .where(
        _c.channel == sa.bindparam("b_channel"),
        _c.account == sa.bindparam("b_account"),
        _c.chat == sa.bindparam("b_from"),
        ~sa.exists().where(
            _there.channel == _c.channel,
            _there.account == _c.account,
            _there.chat == sa.bindparam("b_to"),
            _there.thread == _c.thread,
        ),
    )
    .values(chat=sa.bindparam("b_to"))
    .returning(_c.id)
)


def append_all(tx: Tx, unit: Accept, row: Row, append: Appending, author: Author) -> list[Event]:
    """The events of an arrival that is not all words."""
    events: list[Event] = []
    for body in unit.bodies:
        if isinstance(body, Echoed):
            events += _echo(tx, unit, row, body, append)
            continue
        by = SYSTEM if isinstance(body, Noted) else author
        events.append(append(row, by, body, row.epoch, not isinstance(body, UNSEEN)))
        if isinstance(body, Reachable):
            _reach(row, body.yes)
    return events


def finish(tx: Tx, rare: Iterable[tuple[Accept, Row]], rows: dict[Values, Row]) -> None:
    """What is to be written beside events, once the rows are there."""
    for unit, row in rare:
        if any(isinstance(body, Echoed | Reachable) for body in unit.bodies):
            tx.query(_WRITE_REST, b_id=row.id, **{f"b_{name}": getattr(row, name) for name in _REST})
        for body in unit.bodies:
            if isinstance(body, Migrated):
                _migrate(tx, row, body.to.chat, rows)


def _reach(row: Row, yes: bool) -> None:
    """Who cannot be reached is not spoken to first: the bot's timers stand still."""
    if yes:
        set_alarm(row, decode_state(row.state))
    else:
        row.wake_at = None


def _echo(tx: Tx, unit: Accept, row: Row, body: Echoed, append: Appending) -> list[Event]:
    """A takeover: the customer has read these words already. Under a kill switch nobody takes over."""
    author = unit.agent or Author("agent", f"{unit.channel}:{body.by}", body.name)
    events: list[Event] = []
    if row.control != "paused" and (row.control, row.holder) != ("human", author.id):
        was, at = row.control, micros(unit.at)
        control = Control("human", row.epoch + 1, author.id, author.name, unit.at, row.reason, row.handoff)
        change_control(tx, row, control, at)
        set_alarm(row, decode_state(row.state))
        changed = Controlled(control, was, author, "spoke elsewhere")  # type: ignore[arg-type]  # as the column holds it
        events.append(append(row, author, changed, row.epoch, True))
    row.status = "open"
    events.append(append(row, author, Said(body.message, body.ref), row.epoch, True))
    return events


def _migrate(tx: Tx, row: Row, chat: str, rows: dict[Values, Row]) -> None:
    """The whole chat, with all conversations in it; where somebody wrote in the new one already, that one stays."""
    moved = tx.query(_MOVE, b_channel=row.channel, b_account=row.account, b_from=row.chat, b_to=chat)
    ids = {id for (id,) in moved}
    tx.forget()
    for each in [each for each in rows.values() if each.id in ids]:
        each.move(chat)
