"""Make the table of the metrics that tests declare."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "test_metrics",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("metrics", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("test_id", name="pk_test_metrics"),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_test_metrics_test_id"
        ),
    )
