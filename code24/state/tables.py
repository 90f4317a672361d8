"""The tables of the shared state; docs/shared-state.md says who may write what."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Text

from code24.state.columns import COUNTER, DOCUMENT, REAL, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

UNFINISHED = "status IN ('queued', 'running')"
"""The jobs of which there is one at most for each site and kind."""


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _site_id() -> Column[Any]:
    return Column("site_id", Text, ForeignKey("sites.site_id"), nullable=False)


def _goal_type() -> sa.CheckConstraint:
    return _one_of("goal_type", "sales", "leads", "signups", "bookings", "traffic")


sites = sa.Table(
    "sites",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("host", Text, nullable=False, unique=True),
    Column("vertical", Text, nullable=False),
    Column("write_key", Text, nullable=False, unique=True),
    Column("client_key", Text, nullable=False, unique=True),
    Column("change_id", COUNTER, nullable=False, index=True),
)
"""One row per website; ``change_id`` is the audit entry of its last change."""

goals = sa.Table(
    "goals",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("goal_type", Text, primary_key=True),
    Column("position", sa.Integer, nullable=False),
    _goal_type(),
)
"""One row per site and goal; position 0 is the main goal."""

site_access = sa.Table(
    "site_access",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("origins", DOCUMENT, nullable=False),
    Column("events_per_second", sa.Integer, nullable=False),
    sa.CheckConstraint("events_per_second >= 1", name="events_per_second"),
)
"""One row per site whose origins or limit an operator set; others have the defaults."""

site_policies = sa.Table(
    "site_policies",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("is_approval_needed", sa.Boolean, nullable=False),
    Column("is_shared", sa.Boolean, nullable=False),
    Column("holdout", REAL, nullable=False),
    sa.CheckConstraint("holdout BETWEEN 0 AND 0.5", name="holdout"),
)
"""One row per site whose policy an operator set; others have the defaults."""

slots = sa.Table(
    "slots",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("slots", sa.Integer, nullable=False),
    sa.CheckConstraint("slots BETWEEN 0 AND 1000", name="slots"),
)
"""One row per site whose drafts start by themselves while fewer tests run."""

saved_groups = sa.Table(
    "saved_groups",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("attribute", Text, nullable=False),
    Column("values", DOCUMENT, nullable=False),
)
"""One row per site and list that conditions of its tests refer to."""

slot_worths = sa.Table(
    "slot_worths",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("worth", REAL, nullable=False),
    sa.CheckConstraint("worth BETWEEN 0 AND 0.01", name="worth"),
)
"""One row per site of which an operator said what a day of a slot is worth; for others
it is learned from the queue."""

ab_tests = sa.Table(
    "ab_tests",
    metadata,
    Column("id", Text, primary_key=True),
    _site_id(),
    Column("test_type", Text, nullable=False),
    Column("variants", DOCUMENT, nullable=False),
    Column("traffic_split", DOCUMENT, nullable=False),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    Column("status", Text, nullable=False, server_default="draft"),
    Column("winner_variant", Text),
    Column("confidence_level", REAL),
    Column("results", DOCUMENT),
    Column("goal_type", Text, nullable=False),
    Column("coverage", REAL, nullable=False),
    Column("hash_version", sa.Integer, nullable=False),
    Column("seed", Text),
    Column("decision_id", Text),
    _one_of("status", "draft", "running", "paused", "complete"),
    _goal_type(),
    sa.CheckConstraint(
        "winner_variant IS NULL OR status = 'complete'", name="winner_variant"
    ),
    Index("ix_ab_tests_site_id", "site_id", "status"),
)
"""One row per test; a trigger lets outcomes be written with a new decision only."""

test_plans = sa.Table(
    "test_plans",
    metadata,
    Column("test_id", Text, ForeignKey("ab_tests.id"), primary_key=True),
    Column("namespace", Text),
    Column("low", REAL),
    Column("high", REAL),
    Column("planned_end_date", UtcDateTime),
    Column("planned_start_date", UtcDateTime),
)
"""One row per test that has a slice of a namespace, or starts or ends at a set time."""

test_metrics = sa.Table(
    "test_metrics",
    metadata,
    Column("test_id", Text, ForeignKey("ab_tests.id"), primary_key=True),
    Column("metrics", DOCUMENT, nullable=False),
)
"""One row per test that declares its metrics; others have the defaults."""

test_targeting = sa.Table(
    "test_targeting",
    metadata,
    Column("test_id", Text, ForeignKey("ab_tests.id"), primary_key=True),
    Column("targeting", DOCUMENT),
    Column("sticky_bucketing", DOCUMENT),
)
"""One row per test that asks some visitors alone, or lets them keep their variant."""

allocations = sa.Table(
    "allocations",
    metadata,
    Column("test_id", Text, ForeignKey("ab_tests.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("rule", DOCUMENT, nullable=False),
    _one_of("kind", "fixed", "rollout", "bandit"),
)
"""One row per test whose shares an operator gave a rule; others have fixed shares."""

forecasts = sa.Table(
    "forecasts",
    metadata,
    Column("forecast_id", Text, primary_key=True),
    Column("test_id", Text, ForeignKey("ab_tests.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("asked", DOCUMENT, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),
    Column("told", DOCUMENT),
    Column("problem", Text),
    _one_of("subject", "plan", "allocation"),
    Index("ix_forecasts_test_id", "test_id", "asked_at"),
)
"""One row per question about a test's future; asked anew, the same row."""

weight_history = sa.Table(
    "weight_history",
    metadata,
    Column("test_id", Text, ForeignKey("ab_tests.id"), primary_key=True),
    Column("from_at", UtcDateTime, primary_key=True),
    Column("weights", DOCUMENT, nullable=False),
    Column("release_id", Text),
)
"""One row per test and moment at which its planned weights changed."""

optimization_jobs = sa.Table(
    "optimization_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    _site_id(),
    Column("worker_type", Text, nullable=False),
    Column("job_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", sa.Integer, nullable=False, server_default="5"),
    Column("scheduled_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("result_data", DOCUMENT),
    Column("error_message", Text),
    Column("payload", DOCUMENT, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("attempts", sa.Integer, nullable=False, server_default="0"),
    Column("run_id", Text),
    Column("losses", sa.Integer, nullable=False, server_default="0"),
    Column("turn", sa.BigInteger, nullable=False, server_default="0"),
    Column("again", DOCUMENT),
    _one_of("status", "queued", "running", "complete", "failed", "cancelled"),
    Index(
        "ix_optimization_jobs_due",
        *("job_type", "status", "priority", "turn", "scheduled_at", "id"),
    ),
    Index(
        "ix_optimization_jobs_turn",
        *("job_type", "site_id", "status", "priority", "turn"),
    ),
    Index("ix_optimization_jobs_lease", "status", "lease_until"),
    Index("ix_optimization_jobs_scheduled", "scheduled_at", "id"),
    Index(
        "uq_optimization_jobs_unfinished",
        "site_id",
        "worker_type",
        "job_type",
        unique=True,
        sqlite_where=sa.text(UNFINISHED),
        postgresql_where=sa.text(UNFINISHED),
    ),
)
"""One row per piece of work; unfinished ones are unique per site and kind.

``turn`` is the place among the sites: claims go by it within a priority. ``losses``
counts workers that died with it, ``again`` is what was asked for while it ran.
"""

job_requests = sa.Table(
    "job_requests",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("job_type", Text, primary_key=True),
    Column("request_key", Text, primary_key=True),
    Column(
        "job_id",
        Text,
        ForeignKey("optimization_jobs.id"),
        nullable=False,
        index=True,
    ),
    Column("requested_at", UtcDateTime, nullable=False, index=True),
)
"""One row per request that named itself, so that it makes one job however often it
comes; several requests may be answered by one job."""

workers = sa.Table(
    "workers",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("run_id", Text),
)
"""One row per process that works off jobs; it goes when the process stops."""

messages = sa.Table(
    "messages",
    metadata,
    Column("message_id", COUNTER, primary_key=True),
    Column("type", Text, nullable=False),
    _site_id(),
    Column("priority", Text, nullable=False),
    Column("payload", DOCUMENT, nullable=False),
    Column("timestamp", sa.BigInteger, nullable=False),
    Column("settled_at", UtcDateTime),
    _one_of("type", "optimization_request", "analytics_event", "test_result"),
    _one_of("priority", "low", "medium", "high", "urgent"),
    Index("ix_messages_unsettled", "settled_at", "message_id"),
)
"""The outbox: one row per worker message, settled in the transaction that makes it a
job."""

approvals = sa.Table(
    "approvals",
    metadata,
    Column("approval_id", Text, primary_key=True),
    _site_id(),
    Column("subject", Text, nullable=False),
    Column("proposal", DOCUMENT, nullable=False),
    Column("status", Text, nullable=False, server_default="requested"),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("answered_by", Text),
    Column("answered_at", UtcDateTime),
    _one_of("status", "requested", "approved", "rejected"),
)
"""One row per proposal that waits for, or got, an operator's word."""

decisions = sa.Table(
    "decisions",
    metadata,
    Column("sequence", COUNTER, primary_key=True),
    Column("decision_id", Text, nullable=False, unique=True),
    Column("test_id", Text, ForeignKey("ab_tests.id"), nullable=False),
    _site_id(),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("variant", Text),
    Column("is_claimed", sa.Boolean, nullable=False),
    Column("evidence", DOCUMENT, nullable=False),
    Column("policy", DOCUMENT, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("before", DOCUMENT, nullable=False),
    Column("undoes", Text, ForeignKey("decisions.decision_id"), unique=True),
    _one_of("kind", "keep", "shift", "stop", "ship", "hold"),
    Index("ix_decisions_test_id", "test_id", "sequence"),
)
"""The append-only decision log; ``before`` is what an undo goes back to."""

audit_log = sa.Table(
    "audit_log",
    metadata,
    Column("audit_id", COUNTER, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("before", DOCUMENT),
    Column("after", DOCUMENT),
)
"""Append-only: who changed what, when, from what to what."""

imports = sa.Table(
    "imports",
    metadata,
    Column("import_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("site_id", Text),
    Column("rows_done", sa.BigInteger, nullable=False, server_default="0"),
    Column("status", Text, nullable=False),
    Column("counts", DOCUMENT, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    _one_of("status", "running", "complete"),
)
"""One row per imported file, by content: how far it got and what it brought."""

past_experiments = sa.Table(
    "past_experiments",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("experiment_id", Text, primary_key=True),
    Column("variant_id", Text, primary_key=True),
    Column("position", sa.Integer, nullable=False),
    Column("units", sa.BigInteger, nullable=False),
    Column("conversions", sa.BigInteger, nullable=False),
    Column("test_type", Text, nullable=False),
    Column("goal_type", Text, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    _goal_type(),
    sa.CheckConstraint("conversions BETWEEN 0 AND units", name="conversions"),
)
"""One row per variant of a finished test; position 0 is its control."""

analysed = sa.Table(
    "analysed",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("test_id", Text, primary_key=True),
    Column("log_partition", Text, primary_key=True),
    Column("next_offset", sa.BigInteger, nullable=False),
    Column("analysed_at", UtcDateTime, nullable=False),
    Column("change_id", COUNTER, nullable=False, index=True),
)
"""One row per site, test (``''`` for all of them) and partition of the event log."""

thresholds = sa.Table(
    "thresholds",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", REAL, nullable=False),
    Column("window_seconds", sa.Integer, nullable=False),
    _one_of(
        "name",
        "conversions_since_analysis",
        "guardrail_drop",
        "error_burst",
        "poor_web_vital",
    ),
)
"""One row per site and threshold that is not at its default."""

guardrail_alarms = sa.Table(
    "guardrail_alarms",
    metadata,
    Column("alarm_id", COUNTER, primary_key=True),
    _site_id(),
    Column("test_id", Text, ForeignKey("ab_tests.id"), nullable=False),
    Column("variant", Text, nullable=False),
    Column("value", REAL, nullable=False),
    Column("tolerated", REAL, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("outcome", Text),
    _one_of("outcome", "ended", "cleared"),
    Index(
        "uq_guardrail_alarms_open",
        "test_id",
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    ),
)
"""One row per crossing of a guardrail by a running test; one a test is open at most."""

erasure_salt = sa.Table(
    "erasure_salt",
    metadata,
    Column("salt", Text, primary_key=True),
)
"""One row: the key of the hashes by which the erased are known."""

erasures = sa.Table(
    "erasures",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("site_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("id_hashes", DOCUMENT, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("steps", DOCUMENT, nullable=False),
    Column("finished_at", UtcDateTime),
    _one_of("kind", "visitor", "site"),
    _one_of("status", "running", "complete"),
)
"""One row per erasure, with its receipt; no id stands here as it is."""

erased_sites = sa.Table(
    "erased_sites",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("erased_at", UtcDateTime, nullable=False),
)
"""One row per erased site; of it only the id stays, so that it names no other."""

retention = sa.Table(
    "retention",
    metadata,
    Column("site_id", Text, ForeignKey("sites.site_id"), primary_key=True),
    Column("days", sa.Integer, nullable=False),
    sa.CheckConstraint("days >= 1", name="days"),
)
"""One row per site whose events are kept for another time than the setting says."""
