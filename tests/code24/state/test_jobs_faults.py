"""10,000 jobs with their workers killed at random: each done once, none lost."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import sqlalchemy as sa

from code24.settings import Settings
from code24.state import State, jobs
from code24.state.tables import optimization_jobs
from tests.code24.state.conftest import NOW

JOBS = 10_000
KILLS = 40
WORKERS = 3
WORKER = """
import sqlite3, sys, time
from datetime import UTC, datetime
from code24.state import jobs, open_state

url, path, owner = sys.argv[1:]
effects = sqlite3.connect(path, timeout=30, isolation_level=None)
with open_state(url) as state:
    print("ready", flush=True)
    while True:
        now = datetime.now(UTC)
        taken = jobs.claim(state, "analyse", owner, 30, now=now, limit=50)
        time.sleep(0.05)  # what the jobs take: most kills meet a worker that holds some
        effects.execute("BEGIN IMMEDIATE")
        effects.executemany(
            "INSERT OR IGNORE INTO effects VALUES (?)", [(job.id,) for job in taken]
        )
        effects.execute("COMMIT")
        done = jobs.complete_all(state, [job.id for job in taken], owner, now=now)
        if not taken and not jobs.counts(state)["running"]:
            break
"""


def test_each_job_is_done_once_and_none_is_lost(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    _ask_for_many(state)
    effects = tmp_path / "effects.db"
    with sqlite3.connect(effects) as connection:
        connection.execute("CREATE TABLE effects (job_id TEXT PRIMARY KEY)")
    kills = _kill_at_random(settings, state, effects)
    assert kills >= 3
    counts = jobs.counts(state)
    assert {status: n for status, n in counts.items() if n} == {"complete": JOBS}
    with sqlite3.connect(effects) as connection:
        (done,) = connection.execute("SELECT count(*) FROM effects").fetchone()
    assert done == JOBS
    with state.read() as connection:
        query = sa.text(
            "SELECT count(*), count(DISTINCT subject) FROM audit_log "
            "WHERE action = 'job.complete'"
        )
        assert connection.execute(query).one() == (JOBS, JOBS)
        lost = sa.select(sa.func.sum(optimization_jobs.c.losses))
        assert connection.execute(lost).scalar_one() > 0


def _ask_for_many(state: State) -> None:
    rows = [
        {
            "id": f"job_{number:05}",
            "site_id": "shop",
            "worker_type": f"worker{number}",
            "job_type": "analyse",
            "status": "queued",
            "scheduled_at": NOW,
            "payload": {},
            "turn": number,
        }
        for number in range(JOBS)
    ]
    with state.write() as connection:
        connection.execute(sa.insert(optimization_jobs), rows)


def _kill_at_random(settings: Settings, state: State, effects: Path) -> int:
    """Keep workers at it until all is done, killing one after the other meanwhile."""
    rng = Random(3)  # noqa: S311 - picks moments
    kills = number = 0
    while True:
        with _workers(settings, effects, number) as running:
            number += WORKERS
            if kills < KILLS and jobs.counts(state)["queued"]:
                for victim in running:
                    time.sleep(rng.uniform(0.0, 0.5))
                    os.kill(victim.pid, signal.SIGKILL)
                    kills += 1
            for process in running:
                process.wait(120)
        from_dead = [f"w{n}" for n in range(number)]
        jobs.expire(state, from_dead, now=_now())
        counts = jobs.counts(state)
        if not counts["queued"] and not counts["running"]:
            return kills


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _workers(
    settings: Settings, effects: Path, number: int
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", WORKER, settings.database_url, str(effects)),
                f"w{number + n}",
            ],
            stdout=subprocess.PIPE,
        )
        for n in range(WORKERS)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()
