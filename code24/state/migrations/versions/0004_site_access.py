"""Make the table of which pages may use a site's keys, and how much it may send."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "site_access",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("origins", DOCUMENT, nullable=False),
        sa.Column("events_per_second", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_site_access"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_site_access_site_id"
        ),
        sa.CheckConstraint(
            "events_per_second >= 1", name=op.f("ck_site_access_events_per_second")
        ),
    )
