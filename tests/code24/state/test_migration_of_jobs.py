"""A state of before keeps its jobs and messages when it is migrated."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import command

from code24.settings import Settings
from code24.state import jobs, migrate, open_state, requests
from code24.state.tables import metadata
from tests.code24.state.conftest import NOW

OLD = (
    "INSERT INTO sites VALUES ('shop', 'shop.example', 'news', 'wk', 'ck', 1)",
    "INSERT INTO goals VALUES ('shop', 'leads', 0)",
    (
        "INSERT INTO optimization_jobs (id, site_id, worker_type, job_type, status, "
        "scheduled_at, payload) VALUES ('j1', 'shop', 'ab_testing', 'analysis', "
        "'running', '2026-03-01 12:00:00', '{}')"
    ),
    "UPDATE optimization_jobs SET lease_until = '2026-03-01 12:01:00'",
    (
        "INSERT INTO messages (type, site_id, priority, payload, timestamp) "
        "VALUES ('analytics_event', 'shop', 'high', '{}', 1)"
    ),
)


def test_jobs_and_messages_outlive_the_migration(settings: Settings) -> None:
    folder = settings.home / "state"
    folder.mkdir(parents=True)
    engine = sa.create_engine(settings.database_url)
    with engine.begin() as connection:
        command.upgrade(migrate.config(connection=connection), "0001")
        for statement in OLD:
            connection.exec_driver_sql(statement)
    engine.dispose()
    with open_state(settings.database_url) as state:
        assert set(sa.inspect(state.engine).get_table_names()) >= set(metadata.tables)
        requests.messages_to_jobs(state, "w", now=NOW)
        (job,) = jobs.claim(state, "analysis", "w", 60, now=NOW + timedelta(hours=1))
        assert (job.id, job.losses, job.again is not None) == ("j1", 1, True)
