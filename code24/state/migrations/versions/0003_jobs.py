"""Let jobs be cancelled, asked for again, told apart by request, and taken in turn."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
STATUSES = "status IN ('queued', 'running', 'complete', 'failed', 'cancelled')"
DUE = ["job_type", "status", "priority", "turn", "scheduled_at", "id"]
TURN = ["job_type", "site_id", "status", "priority", "turn"]


def upgrade() -> None:
    """Widen the jobs, then make the tables beside them."""
    _widen_jobs()
    _index_jobs()
    _make_requests()
    _make_workers()
    _narrow_messages()


def _widen_jobs() -> None:
    op.drop_index("ix_optimization_jobs_due", "optimization_jobs")
    with op.batch_alter_table("optimization_jobs") as table:
        table.add_column(
            sa.Column("losses", sa.Integer(), server_default="0", nullable=False)
        )
        table.add_column(
            sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False)
        )
        table.add_column(sa.Column("again", DOCUMENT))
        table.drop_constraint(op.f("ck_optimization_jobs_status"), type_="check")
        table.create_check_constraint(op.f("ck_optimization_jobs_status"), STATUSES)


def _index_jobs() -> None:
    jobs = "optimization_jobs"
    op.create_index("ix_optimization_jobs_due", jobs, DUE)
    op.create_index("ix_optimization_jobs_turn", jobs, TURN)
    op.create_index("ix_optimization_jobs_lease", jobs, ["status", "lease_until"])
    op.create_index("ix_optimization_jobs_scheduled", jobs, ["scheduled_at", "id"])


def _make_requests() -> None:
    op.create_table(
        "job_requests",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "job_type", "request_key", name="pk_job_requests"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.site_id"], name="fk_job_requests_site_id"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["optimization_jobs.id"],
            name="fk_job_requests_job_id",
        ),
    )
    op.create_index("ix_job_requests_requested_at", "job_requests", ["requested_at"])


def _make_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.PrimaryKeyConstraint("worker_id", name="pk_workers"),
    )


def _narrow_messages() -> None:
    """Drop the leases: a message becomes a job within one transaction."""
    op.drop_column("messages", "lease_owner")
    op.drop_column("messages", "lease_until")
