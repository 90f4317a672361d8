"""Opening: migrated once, durable, and clear about what is wrong."""

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from code24.settings import Settings
from code24.state import State, StateError, open_state, sites
from code24.state.tables import audit_log
from tests.code24.state.conftest import NOW

ADD_SITE = """
import sys
from datetime import UTC, datetime
from code24.state import open_state, sites
url, name = sys.argv[1:]
with open_state(url) as state:
    sites.add_site(state, name, f"{name}.example", "news", ("leads",),
                   actor=name, now=datetime.now(UTC))
"""


def test_processes_that_start_at_once_migrate_once(settings: Settings) -> None:
    command = [sys.executable, "-W", "error", "-c", ADD_SITE, settings.database_url]
    started = [
        subprocess.Popen(
            [*command, f"site{number}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for number in range(4)
    ]
    printed = [process.communicate(timeout=60)[0] for process in started]
    assert printed == [b""] * 4
    with open_state(settings.database_url) as state:
        assert len(sites.list_sites(state)) == 4


def test_opening_again_changes_nothing(settings: Settings, state: State) -> None:
    with open_state(settings.database_url) as again:
        assert sites.list_sites(again) == sites.list_sites(state)


def test_a_commit_survives_the_power(state: State) -> None:
    with state.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_moments_come_back_in_utc(state: State) -> None:
    east = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    with state.write() as connection:
        values = {"at": east, "actor": "t", "action": "t", "subject": "t:1"}
        connection.execute(sa.insert(audit_log).values(values))
        query = sa.select(audit_log.c.at).where(audit_log.c.subject == "t:1")
        found = connection.execute(query).scalar_one()
    assert found.isoformat() == "2026-03-01T07:00:00+00:00"


def test_a_moment_without_a_zone_is_refused(state: State) -> None:
    with pytest.raises(StatementError, match="needs a time zone"):
        sites.add_site(
            state,
            "other",
            "other.example",
            "news",
            ("leads",),
            actor="t",
            now=NOW.replace(tzinfo=None),
        )


def test_a_failed_transaction_leaves_nothing(state: State) -> None:
    def fail_midway() -> None:
        with state.write() as connection:
            connection.execute(sa.text("DELETE FROM goals"))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_midway()
    assert sites.get_site(state, "shop").goals == ("sales",)


def test_a_reader_sees_one_moment_while_another_writes(state: State) -> None:
    count = sa.text("SELECT count(*) FROM sites")
    with state.read() as reader:
        before = reader.execute(count).scalar()
        sites.add_site(
            state, "late", "late.example", "news", ("leads",), actor="t", now=NOW
        )
        assert reader.execute(count).scalar() == before


def test_a_file_that_is_no_database_is_named(settings: Settings) -> None:
    path = settings.home / "state" / "state.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but long enough to be read as one" * 99)
    with pytest.raises(StateError, match=r"state\.db: file is not a database"):
        open_state(settings.database_url)


def test_a_newer_revision_is_refused(settings: Settings, state: State) -> None:
    with state.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match=r"revision '9999' is not known here"):
        open_state(settings.database_url)


def test_a_locked_database_is_one_clear_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("code24.state.store.BUSY_MS", 20)
    with open_state(settings.database_url) as state:
        holder = sqlite3.connect(settings.home / "state" / "state.db")
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked"):
            sites.add_site(
                state, "shop", "shop.example", "x", ("leads",), actor="t", now=NOW
            )
        holder.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "is no database URL"),
        ("sqlite://", "must name a file"),
        ("oracle://host/db", "must be sqlite or postgresql"),
    ],
)
def test_a_wrong_address_is_named(url: str, problem: str) -> None:
    with pytest.raises(StateError, match=f"CODE24_STATE_URL='{url}'.*{problem}"):
        open_state(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateError, match="cannot be made"):
        open_state(f"sqlite:///{tmp_path}/file/state.db")
