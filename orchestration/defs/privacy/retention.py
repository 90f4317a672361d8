"""Keeping events no longer than is set: in log, raw, warehouse and dead letters.

Raw is the index: its files' statistics tell at once where old events lie, by offsets of
the log. So the log is redacted first, while raw still tells; then raw; then the
warehouse, which has its own times. Killed anywhere, the next one goes on. Only drained
records are looked at, so that nothing goes that raw does not account for.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from code24 import event_log
from code24.contracts.event import DeadLetter
from code24.intake import dead_folder
from code24.privacy.records import removing_events, removing_letters
from code24.privacy.retention import Retention
from code24.privacy.subject import site_of
from code24.settings import Settings
from orchestration.defs.privacy.counting import counting
from orchestration.defs.privacy.rows import RowKey
from orchestration.defs.privacy.stores.raw import without
from orchestration.defs.privacy.stores.warehouse import (
    STAGING,
    copy_anew,
    forget_rows,
    has_table,
)
from orchestration.defs.raw.compaction import row_count
from orchestration.defs.raw.files import LOCK, EventFile, event_files, read_committed
from orchestration.defs.raw.removed import remove_files
from orchestration.locks import exclusive
from orchestration.warehouse import Warehouse

Counts = dict[str, int]
_Old = Mapping[EventFile, list[int]]


def apply(settings: Settings, retention: Retention, *, is_dry: bool) -> Counts:
    """Remove what is kept no longer; the caller has the turn.

    Returns:
        what was removed, or when dry would be, by store; segments and files are
        whole ones.

    Raises:
        Code24Error: a store cannot be read or written.
    """
    if not retention.is_limited:
        return {}
    events = settings.raw / "events"
    with exclusive(events / LOCK):
        old = _old_rows(events, retention)
        counts = {
            "log": _redact(settings.log, old, is_dry=is_dry),
            "dead_letters": _redact_letters(settings.log, retention, is_dry=is_dry),
            "raw": sum(map(len, old.values())),
        }
        if not is_dry:
            _rewrite(events, old)
            counts["segments"] = _trim(settings.log, events)
    counts["warehouse"] = _forget(settings, retention, is_dry=is_dry)
    return counts


def _old_rows(events: Path, retention: Retention) -> _Old:
    """Return the offsets of old rows by file, in order."""
    found: dict[EventFile, list[int]] = {}
    with duckdb.connect() as connection:
        for file in event_files(events):
            name = str(file.path).replace("'", "''")
            relation = f"read_parquet('{name}', hive_partitioning = false)"
            keys = _old_keys(connection, relation, retention)
            if keys:
                found[file] = sorted(key.offset for key in keys)
    return found


def _old_keys(
    connection: duckdb.DuckDBPyConnection, relation: str, retention: Retention
) -> list[RowKey]:
    own = retention.cutoffs()
    values: list[Any] = []
    conditions = ["(site_id = ? and event_at < ?)" for _ in own]
    for site_id, cutoff in own.items():
        values += [site_id, cutoff.replace(tzinfo=None)]
    if retention.days:
        conditions.append("(not list_contains(?, site_id) and event_at < ?)")
        values += [list(own), retention.cutoff.replace(tzinfo=None)]
    rows = connection.execute(
        f"select log_partition, log_offset from {relation} "  # noqa: S608
        f"where {' or '.join(conditions)}",
        values,
    )
    return [RowKey(*row) for row in rows.fetchall()]


def _redact(log: Path, old: _Old, *, is_dry: bool) -> int:
    offsets: dict[str, list[int]] = defaultdict(list)
    for file, of_file in old.items():
        offsets[file.partition] += of_file
    counted = counting(removing_events(lambda _event: True), is_dry=is_dry)
    for partition, of_partition in offsets.items():
        start = event_log.start_offset(log, partition)
        wanted = sorted(offset for offset in of_partition if offset >= start)
        event_log.redact(log, partition, counted.decide, offsets=wanted)
    return counted.count


def _redact_letters(log: Path, retention: Retention, *, is_dry: bool) -> int:
    """Remove letters by receipt: what was refused has no time that one can trust."""

    def is_old(letter: DeadLetter) -> bool:
        return retention.is_over(site_of(letter), letter.received_at)

    dead = dead_folder(log)
    counted = counting(removing_letters(is_old), is_dry=is_dry)
    for partition in event_log.partitions(dead):
        event_log.redact(dead, partition, counted.decide)
    return counted.count


def _rewrite(events: Path, old: _Old) -> None:
    for file, offsets in old.items():
        without(file.path, set(offsets))
    empty = [file for file in event_files(events) if row_count(file.path) == 0]
    if empty:
        remove_files(events, empty)


def _trim(log: Path, events: Path) -> int:
    """Remove the segments of which raw keeps no record; return how many."""
    firsts: dict[str, int] = dict(read_committed(events))
    with duckdb.connect() as connection:
        for file in event_files(events):
            name = str(file.path).replace("'", "''")
            row = connection.execute(
                f"select min(log_offset) from read_parquet('{name}')"  # noqa: S608
            ).fetchone()
            if row is not None and row[0] is not None:
                firsts[file.partition] = min(firsts[file.partition], int(row[0]))
    return sum(event_log.trim(log, name, first) for name, first in firsts.items())


def _forget(settings: Settings, retention: Retention, *, is_dry: bool) -> int:
    path = settings.warehouse
    if not path.exists():
        return 0
    with Warehouse(path).connect() as connection:
        if not has_table(connection, STAGING):
            return 0
        doomed = _old_keys(connection, STAGING, retention)
        if not is_dry:
            forget_rows(connection, doomed, settings.raw / "events")
    if doomed and not is_dry:
        copy_anew(path)
    return len(doomed)
