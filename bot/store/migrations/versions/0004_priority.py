"""How urgent a request for a human is, and whom the queue serves first by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table, name in (("handoff", "priority"), ("conversation", "rank")):
        op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")))
    condition = sa.text("waiting_since IS NOT NULL")
    op.drop_index("conversation_waiting", "conversation")
    op.create_index(
        "conversation_waiting",
        "conversation",
        ["rank", "waiting_since", "id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
