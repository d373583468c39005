"""Drafts as they stand on a platform, and messages that may be sent once at most."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("conversation", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation", name="pk_draft"),
        sqlite_with_rowid=False,
    )
    op.add_column("delivery", sa.Column("once", sa.Boolean, nullable=False, server_default=sa.false()))
