"""Make the table of guardrails that were crossed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REAL = sa.REAL().with_variant(sa.Double(), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, with one open alarm a test at most."""
    op.create_table(
        "guardrail_alarms",
        sa.Column("alarm_id", COUNTER, nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("value", REAL, nullable=False),
        sa.Column("tolerated", REAL, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("alarm_id", name="pk_guardrail_alarms"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_guardrail_alarms_site_id"
        ),
        sa.ForeignKeyConstraint(
            ["test_id"], ["ab_tests.id"], name="fk_guardrail_alarms_test_id"
        ),
        sa.CheckConstraint(
            "outcome IN ('ended', 'cleared')",
            name=op.f("ck_guardrail_alarms_outcome"),
        ),
    )
    op.create_index(
        "uq_guardrail_alarms_open",
        "guardrail_alarms",
        ["test_id"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
