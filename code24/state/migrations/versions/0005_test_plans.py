"""Make the table of tests that share visitors by a namespace or end at a set time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REAL = sa.REAL().with_variant(sa.Double(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "test_plans",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=True),
        sa.Column("low", REAL, nullable=True),
        sa.Column("high", REAL, nullable=True),
        sa.Column("planned_end_date", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("test_id", name="pk_test_plans"),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_test_plans_test_id"
        ),
    )
