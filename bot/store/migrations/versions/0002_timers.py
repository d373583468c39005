"""When a conversation's first timer is due, and what is known of a customer in all conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("contact", sa.Column("slots", sa.LargeBinary, nullable=True))
    op.add_column("conversation", sa.Column("wake_at", sa.BigInteger, nullable=True))
    condition = sa.text("wake_at IS NOT NULL")
    op.create_index(
        "conversation_wake", "conversation", ["wake_at"], sqlite_where=condition, postgresql_where=condition
    )
