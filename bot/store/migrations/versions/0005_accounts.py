"""What accounts of channels keep for themselves, and connections of which there may be one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "secret",
        sa.Column("account", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="pk_secret"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease",
        sa.Column("name", KEY, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
        sqlite_with_rowid=False,
    )
