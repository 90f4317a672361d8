"""Let an operator say what a day of a slot is worth."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; until a row is there, the worth is learned."""
    op.create_table(
        "slot_worths",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column(
            "worth",
            sa.REAL().with_variant(sa.Double(), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("site_id", name="pk_slot_worths"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_slot_worths_site_id"
        ),
        sa.CheckConstraint(
            "worth BETWEEN 0 AND 0.01", name=op.f("ck_slot_worths_worth")
        ),
    )
