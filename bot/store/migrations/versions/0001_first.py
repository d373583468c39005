"""The first tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "action",
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("result_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "key", name="pk_action"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agent",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", KEY, nullable=False),
        sa.Column("email_folded", KEY, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent"),
        sa.UniqueConstraint("email_folded", name="uq_agent"),
    )
    op.create_table(
        "amendment",
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("in_flight", KEY, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "key", name="pk_amendment"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
    )
    op.create_index("dead_letter_key", "dead_letter", ["channel", "account", "key"])
    op.create_table(
        "document",
        sa.Column("name", KEY, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("language", KEY, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("passages", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_document"),
    )
    op.create_table(
        "event",
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("author_kind", KEY, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=True),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("prev", sa.BigInteger, nullable=False),
        sa.Column("input", sa.Boolean, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "seq", name="pk_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "passage_term",
        sa.Column("term", KEY, nullable=False),
        sa.Column("document", KEY, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("term", "document", "number", name="pk_passage_term"),
        sqlite_with_rowid=False,
    )
    op.create_index("passage_term_document", "passage_term", ["document"])
    op.create_table(
        "seen",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("twin", sa.Boolean, nullable=False),
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("channel", "account", "key", "twin", name="pk_seen"),
        sqlite_with_rowid=False,
    )
    op.create_index("seen_at", "seen", ["at"])
    op.create_table(
        "conversation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("contact", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("chat", KEY, nullable=False),
        sa.Column("thread", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("control", KEY, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("holder_name", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("handoff", KEY, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("public_seq", sa.BigInteger, nullable=False),
        sa.Column("input_seq", sa.BigInteger, nullable=False),
        sa.Column("heard", sa.BigInteger, nullable=False),
        sa.Column("ready_at", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("last_by", sa.Text, nullable=False),
        sa.Column("last_text", sa.Text, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("spoke_at", sa.BigInteger, nullable=False),
        sa.Column("active_at", sa.BigInteger, nullable=False),
        sa.Column("waiting_since", sa.BigInteger, nullable=True),
        sa.Column("unread", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.ForeignKeyConstraint(["contact"], ["contact.id"], name="fk_conversation_contact"),
    )
    op.create_index("conversation_address", "conversation", ["channel", "account", "chat", "thread"], unique=True)
    op.create_index("conversation_contact", "conversation", ["contact"])
    _partial("conversation_holder", "conversation", ["holder", "active_at", "id"], where="holder <> ''")
    op.create_index("conversation_latest", "conversation", ["status", "active_at", "id"])
    _partial("conversation_ready", "conversation", ["ready_at"], where="input_seq > heard AND control <> 'paused'")
    _partial("conversation_waiting", "conversation", ["waiting_since", "id"], where="waiting_since IS NOT NULL")
    _partial("conversation_wanted", "conversation", ["active_at", "id"], where="control IN ('queued', 'offered')")
    op.create_table(
        "delivery",
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("by_bot", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("span", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
        sa.Column("plain", sa.Boolean, nullable=False),
        sa.Column("refs", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("conversation", "seq", name="pk_delivery"),
        sa.ForeignKeyConstraint(
            ["conversation", "seq"], ["event.conversation", "event.seq"], name="fk_delivery_conversation"
        ),
    )
    _partial("delivery_dead", "delivery", ["ended_at"], where="state = 'dead'")
    _partial("delivery_due", "delivery", ["channel", "account", "due_at"], where="ended_at IS NULL")
    _partial("delivery_line", "delivery", ["conversation", "seq"], where="ended_at IS NULL")
    op.create_table(
        "identity",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("external", KEY, nullable=False),
        sa.Column("contact", KEY, nullable=False),
        sa.PrimaryKeyConstraint("channel", "external", name="pk_identity"),
        sa.ForeignKeyConstraint(["contact"], ["contact.id"], name="fk_identity_contact"),
        sqlite_with_rowid=False,
    )
    op.create_index("identity_contact", "identity", ["contact"])
    op.create_table(
        "passage",
        sa.Column("document", KEY, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("heading", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("document", "number", name="pk_passage"),
        sa.ForeignKeyConstraint(["document"], ["document.name"], name="fk_passage_document"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sign_in",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("agent", KEY, nullable=False),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in"),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"], name="fk_sign_in_agent"),
    )
    op.create_index("sign_in_agent", "sign_in", ["agent"])
    op.create_table(
        "handoff",
        sa.Column("id", KEY, nullable=False),
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("queue", KEY, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("agent", KEY, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_handoff"),
        sa.ForeignKeyConstraint(["conversation"], ["conversation.id"], name="fk_handoff_conversation"),
    )
    op.create_index("handoff_conversation", "handoff", ["conversation"])

    for statement in PUBLIC_ONLY[op.get_bind().dialect.name]:
        op.execute(sa.text(statement).execution_options(no_parameters=True))
    op.execute("INSERT INTO meta VALUES ('oldest_program', '0.1.0')")


def _partial(name: str, table: str, columns: Sequence[str], *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


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
        """
CREATE TRIGGER delivery_public AFTER INSERT OR UPDATE OF conversation, seq ON delivery
FOR EACH ROW EXECUTE FUNCTION delivery_public()""".strip(),
    ),
}
