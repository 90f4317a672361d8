"""Make the tables of erasures, erased sites and retention."""

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables and the salt, which is this home's alone."""
    salt = op.create_table(
        "erasure_salt",
        sa.Column("salt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("salt", name="pk_erasure_salt"),
    )
    op.bulk_insert(salt, [{"salt": secrets.token_hex(32)}])
    _make_erasures()
    op.create_table(
        "erased_sites",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_erased_sites"),
        _of_site("erased_sites"),
    )
    op.create_table(
        "retention",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_retention"),
        _of_site("retention"),
        sa.CheckConstraint("days >= 1", name=op.f("ck_retention_days")),
    )


def _make_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id_hashes", DOCUMENT, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("steps", DOCUMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasures"),
        sa.CheckConstraint(
            "kind IN ('visitor', 'site')", name=op.f("ck_erasures_kind")
        ),
        sa.CheckConstraint(
            "status IN ('running', 'complete')", name=op.f("ck_erasures_status")
        ),
    )
    op.create_index("ix_erasures_site_id", "erasures", ["site_id"])


def _of_site(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["site_id"], ["sites.site_id"], name=f"fk_{table}_site_id"
    )
