"""Let the request keys of a job be found, so that old jobs are removed fast."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_job_requests_job_id", "job_requests", ["job_id"])
