"""Make the table of how far each site lets the platform go by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REAL = sa.REAL().with_variant(sa.Double(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "site_policies",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("is_approval_needed", sa.Boolean(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("holdout", REAL, nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_site_policies"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_site_policies_site_id"
        ),
        sa.CheckConstraint(
            "holdout BETWEEN 0 AND 0.5", name=op.f("ck_site_policies_holdout")
        ),
    )
