"""Let a draft start at a set time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column; SQLite writes the table anew, so that its text stays plain."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    recreate = "always" if is_sqlite else "never"
    with op.batch_alter_table("test_plans", recreate=recreate) as table:
        table.add_column(sa.Column("planned_start_date", MOMENT, nullable=True))
