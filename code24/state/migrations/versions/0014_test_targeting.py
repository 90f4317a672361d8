"""Make the table of whom tests ask, and who keeps what they were given."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "test_targeting",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("targeting", DOCUMENT, nullable=True),
        sa.Column("sticky_bucketing", DOCUMENT, nullable=True),
        sa.PrimaryKeyConstraint("test_id", name="pk_test_targeting"),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_test_targeting_test_id"
        ),
    )
