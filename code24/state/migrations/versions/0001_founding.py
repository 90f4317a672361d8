"""Make the founding tables, and the triggers that keep their logs append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REAL = sa.REAL().with_variant(sa.Double(), "postgresql")
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = sa.text("status IN ('queued', 'running')")
GOALS = "goal_type IN ('sales', 'leads', 'signups', 'bookings', 'traffic')"


def upgrade() -> None:
    """Make every table, then the triggers."""
    _make_sites()
    _make_tests()
    _make_work()
    _make_logs()
    _make_history()
    _protect(op.get_context().dialect.name)


def _make_sites() -> None:
    op.create_table(
        "sites",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("vertical", sa.Text(), nullable=False),
        sa.Column("write_key", sa.Text(), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=False),
        sa.Column("change_id", COUNTER, nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_sites"),
        sa.UniqueConstraint("host", name="uq_sites_host"),
        sa.UniqueConstraint("write_key", name="uq_sites_write_key"),
        sa.UniqueConstraint("client_key", name="uq_sites_client_key"),
    )
    op.create_index("ix_sites_change_id", "sites", ["change_id"])
    op.create_table(
        "goals",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("goal_type", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "goal_type", name="pk_goals"),
        _of_site("goals"),
        sa.CheckConstraint(GOALS, name=op.f("ck_goals_goal_type")),
    )


def _make_tests() -> None:
    op.create_table(
        "ab_tests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("test_type", sa.Text(), nullable=False),
        sa.Column("variants", DOCUMENT, nullable=False),
        sa.Column("traffic_split", DOCUMENT, nullable=False),
        sa.Column("start_date", MOMENT),
        sa.Column("end_date", MOMENT),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("winner_variant", sa.Text()),
        sa.Column("confidence_level", REAL),
        sa.Column("results", DOCUMENT),
        sa.Column("goal_type", sa.Text(), nullable=False),
        sa.Column("coverage", REAL, nullable=False),
        sa.Column("hash_version", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text()),
        sa.Column("decision_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ab_tests"),
        _of_site("ab_tests"),
        sa.CheckConstraint(
            "status IN ('draft', 'running', 'paused', 'complete')",
            name=op.f("ck_ab_tests_status"),
        ),
        sa.CheckConstraint(GOALS, name=op.f("ck_ab_tests_goal_type")),
        sa.CheckConstraint(
            "winner_variant IS NULL OR status = 'complete'",
            name=op.f("ck_ab_tests_winner_variant"),
        ),
    )
    op.create_index("ix_ab_tests_site_id", "ab_tests", ["site_id", "status"])
    op.create_table(
        "weight_history",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("weights", DOCUMENT, nullable=False),
        sa.Column("release_id", sa.Text()),
        sa.PrimaryKeyConstraint("test_id", "from_at", name="pk_weight_history"),
        _of_test("weight_history"),
    )


def _make_work() -> None:
    op.create_table(
        "optimization_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("worker_type", sa.Text(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("scheduled_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.Column("result_data", DOCUMENT),
        sa.Column("error_message", sa.Text()),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", MOMENT),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_optimization_jobs"),
        _of_site("optimization_jobs"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'complete', 'failed')",
            name=op.f("ck_optimization_jobs_status"),
        ),
    )
    op.create_index(
        "ix_optimization_jobs_due",
        "optimization_jobs",
        ["job_type", "status", "scheduled_at"],
    )
    op.create_index(
        "uq_optimization_jobs_unfinished",
        "optimization_jobs",
        ["site_id", "worker_type", "job_type"],
        unique=True,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.create_table(
        "messages",
        sa.Column("message_id", COUNTER, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.PrimaryKeyConstraint("message_id", name="pk_messages"),
        _of_site("messages"),
        sa.CheckConstraint(
            "type IN ('optimization_request', 'analytics_event', 'test_result')",
            name=op.f("ck_messages_type"),
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'medium', 'high', 'urgent')",
            name=op.f("ck_messages_priority"),
        ),
    )
    op.create_index("ix_messages_unsettled", "messages", ["settled_at", "message_id"])
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("proposal", DOCUMENT, nullable=False),
        sa.Column("status", sa.Text(), server_default="requested", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", MOMENT),
        sa.PrimaryKeyConstraint("approval_id", name="pk_approvals"),
        _of_site("approvals"),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'rejected')",
            name=op.f("ck_approvals_status"),
        ),
    )


def _make_logs() -> None:
    op.create_table(
        "decisions",
        sa.Column("sequence", COUNTER, nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text()),
        sa.Column("is_claimed", sa.Boolean(), nullable=False),
        sa.Column("evidence", DOCUMENT, nullable=False),
        sa.Column("policy", DOCUMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("before", DOCUMENT, nullable=False),
        sa.Column("undoes", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_decisions"),
        sa.UniqueConstraint("decision_id", name="uq_decisions_decision_id"),
        _of_test("decisions"),
        _of_site("decisions"),
        sa.ForeignKeyConstraint(
            ["undoes"], ["decisions.decision_id"], name="fk_decisions_undoes"
        ),
        sa.UniqueConstraint("undoes", name="uq_decisions_undoes"),
        sa.CheckConstraint(
            "kind IN ('keep', 'shift', 'stop', 'ship', 'hold')",
            name=op.f("ck_decisions_kind"),
        ),
    )
    op.create_index("ix_decisions_test_id", "decisions", ["test_id", "sequence"])
    op.create_table(
        "audit_log",
        sa.Column("audit_id", COUNTER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", DOCUMENT),
        sa.Column("after", DOCUMENT),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_subject", "audit_log", ["subject"])


def _make_history() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text()),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("counts", DOCUMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("import_id", name="pk_imports"),
        sa.CheckConstraint(
            "status IN ('running', 'complete')", name=op.f("ck_imports_status")
        ),
    )
    op.create_table(
        "past_experiments",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("experiment_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("conversions", sa.BigInteger(), nullable=False),
        sa.Column("test_type", sa.Text(), nullable=False),
        sa.Column("goal_type", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "experiment_id", "variant_id", name="pk_past_experiments"
        ),
        _of_site("past_experiments"),
        sa.CheckConstraint(GOALS, name=op.f("ck_past_experiments_goal_type")),
        sa.CheckConstraint(
            "conversions BETWEEN 0 AND units",
            name=op.f("ck_past_experiments_conversions"),
        ),
    )


def _of_site(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["site_id"], ["sites.site_id"], name=f"fk_{table}_site_id"
    )


def _of_test(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["test_id"], ["ab_tests.id"], name=f"fk_{table}_test_id"
    )


OUTCOME_MESSAGE = (
    "ab_tests: winner_variant, confidence_level, results and decision_id are "
    "written only together with a new decision"
)
REFUSE_OUTCOME = (
    f"RAISE integrity_constraint_violation USING MESSAGE = '{OUTCOME_MESSAGE}';"
)
LAST_DECISION = (
    "(SELECT decision_id FROM decisions WHERE test_id = NEW.id "
    "ORDER BY sequence DESC LIMIT 1)"
)
HAS_OUTCOME = (
    "NEW.winner_variant IS NOT NULL OR NEW.confidence_level IS NOT NULL "
    "OR NEW.results IS NOT NULL OR NEW.decision_id IS NOT NULL"
)


def _outcome_changes(differs: str) -> str:
    """Whether an outcome is written without a decision made for this writing."""
    columns = ("winner_variant", "confidence_level", "results", "decision_id")
    changed = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in columns)
    is_old = f"NOT (NEW.decision_id {differs} OLD.decision_id)"
    is_not_last = f"NEW.decision_id {differs} {LAST_DECISION}"
    return f"({changed}) AND ({is_old} OR {is_not_last})"


def _protect(dialect: str) -> None:
    statements = {"sqlite": _sqlite_triggers, "postgresql": _postgresql_triggers}
    for statement in statements[dialect]():
        op.execute(statement)


def _sqlite_triggers() -> list[str]:
    append_only = [
        f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in ("decisions", "audit_log")
        for verb in ("UPDATE", "DELETE")
    ]
    outcome = [
        f"CREATE TRIGGER ab_tests_outcome_{verb.lower()} BEFORE {verb} ON ab_tests "
        f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{OUTCOME_MESSAGE}'); END"
        for verb, condition in (
            ("INSERT", HAS_OUTCOME),
            ("UPDATE", _outcome_changes("IS NOT")),
        )
    ]
    return append_only + outcome


def _postgresql_triggers() -> list[str]:
    functions = [
        (
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE integrity_constraint_violation "
            "USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"
        ),
        (
            "CREATE FUNCTION refuse_outcome() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {REFUSE_OUTCOME} END $$"
        ),
    ]
    append_only = [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        for table in ("decisions", "audit_log")
    ]
    inserted = (
        "CREATE TRIGGER ab_tests_outcome_insert BEFORE INSERT ON ab_tests FOR EACH ROW "
        f"WHEN ({HAS_OUTCOME}) EXECUTE FUNCTION refuse_outcome()"
    )
    # PostgreSQL allows no subquery in WHEN, so the update's rule is in a function.
    updated = [
        (
            "CREATE FUNCTION check_outcome() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF {_outcome_changes('IS DISTINCT FROM')} THEN "
            f"{REFUSE_OUTCOME} END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER ab_tests_outcome_update BEFORE UPDATE ON ab_tests "
            "FOR EACH ROW EXECUTE FUNCTION check_outcome()"
        ),
    ]
    return [*functions, *append_only, inserted, *updated]
