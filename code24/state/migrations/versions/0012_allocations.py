"""Make the table of tests whose shares follow a rule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "allocations",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("test_id", name="pk_allocations"),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_allocations_test_id"
        ),
        sa.CheckConstraint(
            "kind IN ('fixed', 'rollout', 'bandit')", name=op.f("ck_allocations_kind")
        ),
    )
