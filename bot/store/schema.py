"""The tables, for both databases.

Instants are microseconds since the epoch, UTC. Payloads and state are JSON as bytes; what is queried has a column of
its own. Ids rise with time and compare bytewise, also on PostgreSQL.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

REVISION = "0007"
"""The revision of the migrations that these tables are."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s",
    }
)

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that is compared, never read aloud."""


def _key(name: str, *rest: Any, **options: Any) -> sa.Column[str]:
    return sa.Column(name, Key, *rest, nullable=False, **options)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _named(name: str) -> sa.Column[str]:
    """Of tables that had no such column at first."""
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _number(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False, **options)


def _flag(name: str, **options: Any) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, **options)


def _bytes(name: str, **options: Any) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False, **options)


def _json(name: str) -> sa.Column[bytes]:
    return _bytes(name, info={"json": True})


def _instant(name: str, *, always: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=not always)


# People

contact = sa.Table(
    "contact",
    metadata,
    _key("id", primary_key=True),
    _text("name"),
    _text("language"),
    _instant("created_at"),
    sa.Column("slots", sa.LargeBinary, nullable=True),  # of scope `customer`; null: none yet
)

identity = sa.Table(
    "identity",
    metadata,
    _key("channel", primary_key=True),
    _key("external", primary_key=True),
    _key("contact", sa.ForeignKey("contact.id")),
    _named("origin"),  # the contact it had before it was merged into another; empty: it never was
    _named("language"),
    _named("zone"),
    sa.Index("identity_contact", "contact"),
    sqlite_with_rowid=False,
)

# Codes by which somebody proves to be the same person on two channels.
link = sa.Table(
    "link",
    metadata,
    _bytes("digest", primary_key=True),
    _key("contact"),
    _instant("until"),
    _key("used_by"),
    sa.Index("link_until", "until"),
)

link_try = sa.Table(
    "link_try",
    metadata,
    _key("contact", primary_key=True),
    _number("count"),
    _instant("since"),
    sqlite_with_rowid=False,
)

agent = sa.Table(
    "agent",
    metadata,
    _key("id", primary_key=True),
    _key("email"),
    _key("email_folded", unique=True),
    _text("name"),
    _text("role"),
    _text("password"),
    _flag("disabled"),
    _instant("created_at"),
)

sign_in = sa.Table(
    "sign_in",
    metadata,
    _bytes("digest", primary_key=True),
    _key("agent", sa.ForeignKey("agent.id")),
    _text("csrf"),
    _instant("created_at"),
    _instant("seen_at"),
    sa.Index("sign_in_agent", "agent"),
)

# Conversations and their logs

conversation = sa.Table(
    "conversation",
    metadata,
    _key("id", primary_key=True),
    _key("contact", sa.ForeignKey("contact.id")),
    _key("channel"),
    _key("account"),
    _key("chat"),
    _key("thread"),
    _instant("created_at"),
    _instant("updated_at"),
    _key("status"),
    _text("language"),
    _text("customer"),  # the contact's name, for lists
    # Who may speak.
    _key("control"),
    _number("epoch"),
    _key("holder"),
    _text("holder_name"),
    _instant("since", always=False),
    _text("reason"),
    _key("handoff"),
    # The log's ends, and how far it is heard.
    _number("last_seq"),
    _number("public_seq"),
    _number("input_seq"),
    _number("heard"),
    # The turn. `ready_at` and `lease_until` are in the store's own time (bot/store/tx.py).
    _instant("ready_at"),
    _text("worker"),
    _number("lease_until"),
    _number("fence"),
    _number("committed"),  # the fence of the last commit
    _number("attempts"),
    _number("version"),
    # What a list of conversations shows.
    _text("last_by"),
    _text("last_text"),
    _instant("last_at"),
    _instant("spoke_at"),  # by the customer
    _instant("active_at"),  # by a person: what lists are sorted by. The bot's words follow the customer's anyway
    _instant("waiting_since", always=False),
    _number("unread"),
    _json("state"),
    _instant("wake_at", always=False),  # when the first of the bot's timers is due, by the wall clock
    _number("rank", server_default=sa.text("0")),  # minus the handoff's priority: who waits is sorted by it first
    sa.Index("conversation_address", "channel", "account", "chat", "thread", unique=True),
    sa.Index("conversation_contact", "contact"),
    sa.Index("conversation_latest", "status", "active_at", "id"),
)


def _partial(name: str, table: sa.Table, *columns: str, where: str) -> None:
    sa.Index(name, *(table.c[column] for column in columns), sqlite_where=sa.text(where))


_partial("conversation_ready", conversation, "ready_at", where="input_seq > heard AND control <> 'paused'")
_partial("conversation_waiting", conversation, "rank", "waiting_since", "id", where="waiting_since IS NOT NULL")
_partial("conversation_holder", conversation, "holder", "active_at", "id", where="holder <> ''")
_partial("conversation_wake", conversation, "wake_at", where="wake_at IS NOT NULL")
_partial("conversation_wanted", conversation, "active_at", "id", where="control IN ('queued', 'offered')")

event = sa.Table(
    "event",
    metadata,
    # No foreign key: an event is appended by the unit that holds its conversation's row.
    _key("conversation", primary_key=True),
    _number("seq", primary_key=True),
    _instant("at"),
    _key("kind"),
    _key("author_kind"),
    _text("author_id"),
    _text("author_name"),
    _number("epoch"),
    sa.Column("turn", sa.BigInteger, nullable=True),
    _number("fence"),
    _flag("public"),
    _number("prev"),
    _flag("input"),
    _json("payload"),
    # With rowids on SQLite: rows are appended where the table ends, and only the key's small entries find their place.
)

seen = sa.Table(
    "seen",
    metadata,
    _key("channel", primary_key=True),
    _key("account", primary_key=True),
    _key("key", primary_key=True),
    _flag("twin", primary_key=True),
    _key("conversation"),
    _number("seq"),
    _bytes("digest"),
    _instant("at"),
    sa.Index("seen_at", "at"),
    sqlite_with_rowid=False,
)

action = sa.Table(
    "action",
    metadata,
    _key("conversation", primary_key=True),
    _key("key", primary_key=True),
    _number("result_seq"),
    sqlite_with_rowid=False,
)

amendment = sa.Table(
    "amendment",
    metadata,
    _key("conversation", primary_key=True),
    _key("key", primary_key=True),
    _number("first_seq"),
    _number("last_seq"),
    _key("in_flight"),
    sqlite_with_rowid=False,
)

handoff = sa.Table(
    "handoff",
    metadata,
    _key("id", primary_key=True),
    _key("conversation", sa.ForeignKey("conversation.id")),
    _text("reason"),
    _key("queue"),
    _text("note"),
    _instant("asked_at"),
    _key("agent"),
    _instant("taken_at", always=False),
    _instant("ended_at", always=False),
    _number("priority", server_default=sa.text("0")),
    sa.Index("handoff_conversation", "conversation"),
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
    _key("channel"),
    _key("account"),
    _key("key"),
    _text("why"),
    _bytes("raw"),
    _instant("at"),
    sa.Index("dead_letter_key", "channel", "account", "key"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    _key("conversation", primary_key=True),
    _number("seq", primary_key=True),
    _key("channel"),
    _key("account"),
    _flag("by_bot"),
    _number("epoch"),
    _key("state"),
    _instant("due_at"),  # when it may be claimed next; while `sending`, the end of the lease; in the store's own time
    _number("span"),  # of that lease
    _number("attempt"),
    _number("failures"),  # attempts that count towards the dead letter
    _number("done"),
    _flag("again"),
    _flag("plain"),
    _json("refs"),
    _text("error"),
    _instant("created_at"),
    _instant("ended_at", always=False),
    _flag("once", server_default=sa.false()),  # nobody may see it twice: where that is not sure it is not sent again
    sa.ForeignKeyConstraint(["conversation", "seq"], ["event.conversation", "event.seq"]),
    # With rowids on SQLite: else its planner takes the primary key for a line, and reads all that was ever sent.
)
_partial("delivery_due", delivery, "channel", "account", "due_at", where="ended_at IS NULL")
_partial("delivery_line", delivery, "conversation", "seq", where="ended_at IS NULL")
_partial("delivery_dead", delivery, "ended_at", where="state = 'dead'")

# Only what the customer may see can be sent to the customer: neither a note nor a draft, whatever the code does. A
# foreign key that includes `public` would ask for one more index over every event.
PUBLIC_ONLY = {
    "sqlite": (
        """
CREATE TRIGGER delivery_public BEFORE INSERT ON delivery
WHEN NOT EXISTS (
    SELECT 1 FROM event
    WHERE conversation = NEW.conversation AND seq = NEW.seq AND public AND kind = 'said'
)
BEGIN SELECT RAISE(ABORT, 'only a public message can be delivered'); END""".strip(),
        """
CREATE TRIGGER delivery_public_still BEFORE UPDATE OF conversation, seq ON delivery
BEGIN SELECT RAISE(ABORT, 'a delivery keeps its message'); END""".strip(),
    ),
    "postgresql": (
        """
CREATE FUNCTION delivery_public() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM event
        WHERE conversation = NEW.conversation AND seq = NEW.seq AND public AND kind = 'said'
    ) THEN
        RAISE check_violation USING MESSAGE = 'only a public message can be delivered';
    END IF;
    RETURN NULL;
END $$""".strip(),
        # After: one statement may insert an event and its delivery.
        """
CREATE TRIGGER delivery_public AFTER INSERT OR UPDATE OF conversation, seq ON delivery
FOR EACH ROW EXECUTE FUNCTION delivery_public()""".strip(),
    ),
}

# Knowledge

flow_version = sa.Table(
    "flow_version",
    metadata,
    _key("flow", primary_key=True),
    _key("version", primary_key=True),
    _instant("at"),
    _json("structure"),
    _json("source"),
)

document = sa.Table(
    "document",
    metadata,
    _key("name", primary_key=True),
    _text("title"),
    _key("language"),
    _text("address"),
    _bytes("digest"),
    _number("passages"),
    _instant("at"),
)

passage = sa.Table(
    "passage",
    metadata,
    _key("document", sa.ForeignKey("document.name"), primary_key=True),
    _number("number", primary_key=True),
    _text("heading"),
    _text("text"),
    _json("terms"),
    _number("length"),  # of `terms`
    sqlite_with_rowid=False,
)

# An inverted index as a plain table: our terms are made already, and both databases then find exactly the same.
passage_term = sa.Table(
    "passage_term",
    metadata,
    _key("term", primary_key=True),
    _key("document", primary_key=True),
    _number("number", primary_key=True),
    _number("count"),
    sa.Index("passage_term_document", "document"),
    sqlite_with_rowid=False,
)

# What streams on a platform, as it stands there. `seq`: of the message that settles it; 0 while its turn is taken.
draft = sa.Table(
    "draft",
    metadata,
    _key("conversation", primary_key=True),
    _key("channel"),
    _key("account"),
    _number("turn"),
    _number("seq"),
    _json("shown"),
    sqlite_with_rowid=False,
)

# Of channels' accounts: sealed before it is stored.
secret = sa.Table(
    "secret",
    metadata,
    _key("account", primary_key=True),
    _key("name", primary_key=True),
    _bytes("sealed"),
    _instant("at"),
    sqlite_with_rowid=False,
)

# Who has a connection of which there may be one. `until` is in the store's own time.
lease = sa.Table(
    "lease",
    metadata,
    _key("name", primary_key=True),
    _text("worker"),
    _number("until"),
    _number("fence"),
    sqlite_with_rowid=False,
)

# Facts about the schema itself: `oldest_program` is the oldest version that may open it.
meta = sa.Table("meta", metadata, _key("name", primary_key=True), _text("value"))

alembic_version = sa.Table(
    "alembic_version",
    sa.MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    sa.Column("version_num", sa.String(32), primary_key=True),
)


@cache
def script(dialect: str) -> tuple[str, ...]:
    """The statements that make an empty database ours at once; a test holds that the migrations come to the same."""
    target = _dialect(dialect)
    statements: list[str] = []
    for table in (*metadata.sorted_tables, alembic_version):
        statements.append(str(CreateTable(table).compile(dialect=target)).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += (str(CreateIndex(index).compile(dialect=target)).strip() for index in indexes)
    statements += PUBLIC_ONLY[dialect]
    statements.append(f"INSERT INTO alembic_version VALUES ('{REVISION}')")
    statements.append("INSERT INTO meta VALUES ('oldest_program', '0.1.0')")
    return tuple(statements)


def _dialect(name: str) -> sa.Dialect:
    """Each is imported where it is wanted, and SQLAlchemy imports one as soon as an option of it is named."""
    if name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.dialect()
    from sqlalchemy.dialects import postgresql

    for index in (index for table in metadata.tables.values() for index in table.indexes):
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    return postgresql.dialect()  # type: ignore[no-untyped-call]  # as it comes from SQLAlchemy
