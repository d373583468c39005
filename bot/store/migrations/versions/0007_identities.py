"""One person on several channels: where an identity came from, its language and time zone, codes that link two."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("origin", "language", "zone"):
        op.add_column("identity", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_table(
        "link",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("contact", KEY, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("used_by", KEY, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_link"),
    )
    op.create_index("link_until", "link", ["until"])
    op.create_table(
        "link_try",
        sa.Column("contact", KEY, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("contact", name="pk_link_try"),
        sqlite_with_rowid=False,
    )
