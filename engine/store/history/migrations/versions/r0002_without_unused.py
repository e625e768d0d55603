"""Tables that nothing writes are gone: risk_metric, and the outbox, which is a file beside the bots."""

import sqlalchemy as sa
from alembic import op

from engine.store.history.column_types import BigKey, Json, TimeUs

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("risk_metric")


def downgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", BigKey, sa.Identity(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("created_at", TimeUs(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_table(
        "risk_metric",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ts", TimeUs(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("parameters", Json, nullable=True),
        sa.PrimaryKeyConstraint("session_id", "scope", "name", "ts"),
        sqlite_with_rowid=False,
    )
