"""What ``code24 doctor`` looks at: each check says how it stands, and the way out."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx

from app.collector.lag import LagMeter
from cli.supervisor import processes
from code24 import event_log
from code24.errors import Code24Error
from code24.intake import dead_folder
from code24.releases import Reader
from code24.settings import Settings
from code24.state import jobs, open_state, requests, sites, workers

Health = Literal["well", "idle", "ill"]
LOW_DISK_BYTES = 2 * 2**30
"""Below this the collector will soon answer 429."""
LATE = timedelta(minutes=1)
"""A job that has been due for longer has been missed by worker and sensor alike."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part stands: ``idle`` is not running or not made yet, and no fault."""

    part: str
    health: Health
    detail: str
    way_out: str = ""


def findings(settings: Settings) -> Iterator[Finding]:
    """Check every part, stores first; a check that fails does not stop the others."""
    if not settings.home.exists():
        yield Finding("home", "idle", f"{settings.home} is not there yet", "code24 run")
        return
    for part, check in _STORES.items():
        try:
            yield check(settings)
        except (Code24Error, OSError, ValueError) as error:
            yield Finding(part, "ill", " ".join(str(error).split()))
    yield from _process_findings(settings)


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home).free
    detail = f"{free / 2**30:.1f} GB free below {settings.home}"
    if free < LOW_DISK_BYTES:
        return Finding("disk", "ill", detail, "free some room; 2 GB are needed")
    return Finding("disk", "well", detail)


def _keys(settings: Settings) -> Finding:
    private = settings.keys / "signing.key"
    if not private.exists():
        return Finding("keys", "idle", f"{private} is not there yet", "code24 run")
    if private.stat().st_mode & 0o077:
        return Finding(
            "keys", "ill", f"{private} can be read by others", f"chmod 600 {private}"
        )
    return Finding("keys", "well", "the signing key is there, readable by its owner")


def _state(settings: Settings) -> Finding:
    with open_state(settings.database_url) as state:
        count = len(sites.list_sites(state))
    return Finding("shared state", "well", f"{count} sites")


def _log(settings: Settings) -> Finding:
    folder = settings.log
    names = event_log.partitions(folder)
    if not names:
        return Finding("event log", "idle", "it is empty", "code24 run")
    total = _records(folder)
    dead = _records(dead_folder(folder))
    waiting = f"; {_lag(settings)}" if settings.committed.exists() else ""
    detail = f"{total:,} events, {dead:,} dead letters{waiting}"
    return Finding("event log", "well", detail)


def _lag(settings: Settings) -> str:
    """Say how far raw is behind: records, and the age of the oldest one."""
    meters = {
        name: LagMeter(settings.log, settings.committed, name)
        for name in event_log.partitions(settings.log)
    }
    lags = [
        meter.measure(event_log.end_offset(settings.log, name))
        for name, meter in meters.items()
    ]
    records = sum(lag.records for lag in lags)
    oldest = max((lag.seconds for lag in lags), default=0.0)
    return f"{records:,} not in raw yet" + (f", for {oldest:,.0f} s" if records else "")


def _records(folder: Path) -> int:
    names = event_log.partitions(folder)
    return sum(event_log.end_offset(folder, name) for name in names)


def _warehouse(settings: Settings) -> Finding:
    from orchestration.warehouse import Warehouse  # noqa: PLC0415 - loads DuckDB

    if not settings.warehouse.exists():
        return Finding("warehouse", "idle", "it is not built yet", "code24 run")
    tables = len(Warehouse(settings.warehouse).row_counts())
    return Finding("warehouse", "well", f"it opens, and holds {tables} tables")


def _release(settings: Settings) -> Finding:
    if not (settings.releases / "CURRENT").exists():
        return Finding("release", "idle", "none is published yet", "code24 run")
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    current = reader.current()
    problems = reader.verify(current.release_id)
    if problems:
        return Finding("release", "ill", problems[0], "code24 release rollback")
    return Finding(
        "release", "well", f"{current.release_id}, {len(current.sites)} sites, sound"
    )


def _reports(settings: Settings) -> Finding:
    pointer = settings.reports / "CURRENT"
    if not pointer.exists():
        return Finding("reports", "idle", "none is written yet", "code24 run")
    version = pointer.read_text(encoding="utf-8").strip()
    if not (settings.reports / version).is_dir():
        return Finding(
            "reports",
            "ill",
            f"{pointer} names {version}, which is absent",
            "code24 run",
        )
    return Finding("reports", "well", f"version {version}")


def _jobs(settings: Settings) -> Finding:
    """Look for jobs that nobody takes, and for those that are dead."""
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        counts = jobs.counts(state)
        late = jobs.list_jobs(state, status="queued", due_before=now - LATE)
        seen = [worker.seen_at for worker in workers.list_workers(state)]
        is_waiting = requests.waits(state, since=now - LATE)
    detail = (
        f"{counts['queued']:,} queued, {counts['running']:,} running, "
        f"{counts['failed']:,} dead; {_last_seen(seen, now)}"
    )
    if not seen:
        return Finding("jobs", "idle", detail, "code24 up")
    if late or is_waiting or now - max(seen) > LATE:
        what = f"{len(late):,} jobs overdue by a minute"
        return Finding("jobs", "ill", f"{what}; {detail}", "restart code24 up")
    if counts["failed"]:
        return Finding("jobs", "ill", detail, "code24 job list --status failed")
    return Finding("jobs", "well", detail)


def _last_seen(seen: Sequence[datetime], now: datetime) -> str:
    if not seen:
        return "no worker runs"
    return f"a worker was seen {(now - max(seen)).total_seconds():.0f} s ago"


_STORES: dict[str, Callable[[Settings], Finding]] = {
    "disk": _disk,
    "keys": _keys,
    "shared state": _state,
    "jobs": _jobs,
    "event log": _log,
    "warehouse": _warehouse,
    "release": _release,
    "reports": _reports,
}


def _process_findings(settings: Settings) -> Iterator[Finding]:
    for process in processes(settings):
        if process.health is None:
            continue
        finding = _process(process.name, process.health)
        is_first = not (settings.releases / "CURRENT").exists()
        if finding.part == "dispatcher" and finding.health == "ill" and is_first:
            yield replace(finding, health="idle", way_out="code24 run")
        else:
            yield finding


def _process(name: str, address: str) -> Finding:
    try:
        answer = httpx.get(address, timeout=2.0)
    except httpx.ConnectError:
        return Finding(name, "idle", f"nobody listens at {address}", "code24 up")
    except httpx.HTTPError as error:
        return Finding(name, "ill", f"{address}: {error}", "restart code24 up")
    return _told(name, address, answer)


def _told(name: str, address: str, answer: httpx.Response) -> Finding:
    """Read what a process says of itself, where it says anything."""
    told: object = None
    with suppress(ValueError):
        told = answer.json()
    if isinstance(told, dict) and told.get("status") == "degraded":
        return Finding(name, "ill", str(told.get("reason", "degraded")))
    if answer.status_code != 200:
        return Finding(name, "ill", f"{address} answered {answer.status_code}")
    return Finding(name, "well", address)
