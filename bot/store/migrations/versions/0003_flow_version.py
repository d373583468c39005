"""Versions of flows as they were published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "flow_version",
        sa.Column("flow", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("structure", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("flow", "version", name="pk_flow_version"),
    )
