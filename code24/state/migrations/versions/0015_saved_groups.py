"""Make the table of the lists that conditions refer to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_groups",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("values", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "group_id", name="pk_saved_groups"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_saved_groups_site_id"
        ),
    )
