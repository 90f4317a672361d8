"""Make the tables of what was analysed, and of the sites' own thresholds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REAL = sa.REAL().with_variant(sa.Double(), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMES = (
    "name IN ('conversions_since_analysis', 'guardrail_drop', 'error_burst', "
    "'poor_web_vital')"
)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "analysed",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("log_partition", sa.Text(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("analysed_at", MOMENT, nullable=False),
        sa.Column("change_id", COUNTER, nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "test_id", "log_partition", name="pk_analysed"
        ),
        _of_site("analysed"),
    )
    op.create_index("ix_analysed_change_id", "analysed", ["change_id"])
    op.create_table(
        "thresholds",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", REAL, nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "name", name="pk_thresholds"),
        _of_site("thresholds"),
        sa.CheckConstraint(NAMES, name=op.f("ck_thresholds_name")),
    )


def _of_site(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["site_id"], ["sites.site_id"], name=f"fk_{table}_site_id"
    )
