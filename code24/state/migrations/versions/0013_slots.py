"""Let drafts of a site start by themselves while fewer tests run than may."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "slots",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_slots"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_slots_site_id"
        ),
        sa.CheckConstraint("slots BETWEEN 0 AND 1000", name=op.f("ck_slots_slots")),
    )
