"""Make the table of what was asked of tests' futures, and told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "forecasts",
        sa.Column("forecast_id", sa.Text(), nullable=False),
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("asked", DOCUMENT, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("told", DOCUMENT),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("forecast_id", name="pk_forecasts"),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_forecasts_test_id"
        ),
        sa.CheckConstraint(
            "subject IN ('plan', 'allocation')", name=op.f("ck_forecasts_subject")
        ),
    )
    op.create_index("ix_forecasts_test_id", "forecasts", ["test_id", "asked_at"])
