"""The live state on disk: a small database that follows behind, offset and all.

Each transaction holds what changed since the last one, together with the offset it is
of, so what is read at the start is the state at one offset; the log's tail makes good
the rest. WAL without a sync at each commit: a power cut takes the file back to an
earlier offset, never between two. A file that cannot be read is made anew.
"""

import logging
import sqlite3
from array import array
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from app.collector.live.counters import Key
from app.collector.live.crossings import Crossing, Reached, SinceKey, Subject
from app.collector.live.state import LiveState
from app.collector.live.units import Arm, Shown, Totals
from code24.errors import Code24Error

VERSION = 1
"""Another version's file is made anew from the log."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (
    version INTEGER NOT NULL, partition TEXT NOT NULL, next_offset INTEGER NOT NULL,
    minute INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (
    minute INTEGER, site_id TEXT, test_id TEXT, variant_id TEXT, goal_type TEXT,
    measure TEXT, amount INTEGER NOT NULL,
    PRIMARY KEY (minute, site_id, test_id, variant_id, goal_type, measure)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arms (
    number INTEGER PRIMARY KEY, arm BLOB NOT NULL, totals BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS units (
    seen INTEGER PRIMARY KEY AUTOINCREMENT, unit INTEGER UNIQUE, shown BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS since (
    site_id TEXT, test_id TEXT, goal_type TEXT, at REAL NOT NULL,
    offsets BLOB NOT NULL, PRIMARY KEY (site_id, test_id, goal_type)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS crossed (
    subject BLOB PRIMARY KEY, record INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    place INTEGER PRIMARY KEY AUTOINCREMENT, crossing BLOB UNIQUE);
"""
_pack = msgspec.msgpack.encode
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Changes:
    """What changed up to an offset; none stands for what is gone."""

    offset: int = 0
    minute: int = 0
    floor: int = 0
    numbers: dict[tuple[int, Key], int | None] = field(default_factory=dict)
    arms: dict[int, tuple[Arm, Totals]] = field(default_factory=dict)
    units: dict[int, tuple[Shown, ...] | None] = field(default_factory=dict)
    since: dict[SinceKey, tuple[float, bytes] | None] = field(default_factory=dict)
    crossed: dict[Subject, int] = field(default_factory=dict)
    pending: list[Crossing] = field(default_factory=list)

    def followed_by(self, later: "Changes") -> "Changes":
        """Return these and the later ones as one."""
        kept = {
            place: amount
            for place, amount in self.numbers.items()
            if place[0] >= later.floor
        }
        seen_before = {
            unit: shown for unit, shown in self.units.items() if unit not in later.units
        }
        return Changes(
            later.offset,
            later.minute,
            later.floor,
            kept | later.numbers,
            self.arms | later.arms,
            seen_before | later.units,
            self.since | later.since,
            later.crossed,
            later.pending,
        )


def take_changes(state: LiveState) -> Changes:
    """Take what has changed since the last call; its lock is held meanwhile."""
    with state.lock:
        counters, units, crossings = state.counters, state.units, state.crossings
        changes = Changes(
            state.offset,
            counters.minute,
            counters.floor,
            {place: counters.get(*place) for place in counters.changed},
            {n: (units.arms[n], units.totals[n]) for n in units.changed_arms},
            {unit: units.shown(unit) for unit in units.changed_units},
            {key: _since(crossings.since.get(key)) for key in crossings.changed_since},
            dict(crossings.crossed),
            list(state.pending),
        )
        _forget_changes(state)
    return changes


class Checkpoint:
    """The file; one thread's at a time."""

    def __init__(self, path: Path, partition: str) -> None:
        """Open the file, or make it anew where it cannot be used.

        Raises:
            Code24Error: it cannot be made anew either, as on a full disk.
        """
        self._path = path
        self._partition = partition
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open_or_remake()
        except (OSError, sqlite3.Error) as error:
            raise Code24Error(
                f"{path}: cannot be written: {error}; free some room, then start again"
            ) from error
        self._unwritten = Changes()

    def load(self, state: LiveState) -> bool:
        """Fill an empty state; false where the file holds none of this partition."""
        try:
            place = self._place(state.partition)
            if place is not None:
                with closing(self._connection.cursor()) as cursor:
                    _fill(state, cursor)
        except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError) as error:
            _log.warning("%s: made anew from the event log: %s", self._path, error)
            place = None
            state.reset()
        if place is None:
            self.discard()
            return False
        state.offset, state.counters.minute = place
        _forget_changes(state)
        return True

    def discard(self) -> None:
        """Make the file anew, empty."""
        self._connection.close()
        self._connection = self._remade()

    def write(self, changes: Changes) -> None:
        """Write what changed in one transaction; kept for the next call if it fails.

        Raises:
            sqlite3.Error: it could not be written.
        """
        self._unwritten = self._unwritten.followed_by(changes)
        with self._connection:
            _write(self._connection, self._unwritten, self._partition)
        self._unwritten = Changes()

    def close(self) -> None:
        """Leave the file."""
        self._connection.close()

    def _open_or_remake(self) -> sqlite3.Connection:
        try:
            return _opened(self._path)
        except sqlite3.DatabaseError as error:
            _log.warning("%s: made anew from the event log: %s", self._path, error)
            return self._remade()

    def _remade(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return _opened(self._path)

    def _place(self, partition: str) -> tuple[int, int] | None:
        query = (
            "SELECT next_offset, minute FROM place WHERE partition = ? AND version = ?"
        )
        found: tuple[int, int] | None
        found = self._connection.execute(query, (partition, VERSION)).fetchone()
        return found


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _fill(state: LiveState, cursor: sqlite3.Cursor) -> None:
    for minute, *key, amount in cursor.execute("SELECT * FROM numbers ORDER BY minute"):
        state.counters.add(Key(*key), minute, amount)
    for arm, totals in cursor.execute("SELECT arm, totals FROM arms ORDER BY number"):
        state.units.restore_arm(_read(arm, Arm), _read(totals, Totals))
    shown_type = tuple[Shown, ...]
    for unit, shown in cursor.execute("SELECT unit, shown FROM units ORDER BY seen"):
        state.units.restore_unit(unit, _read(shown, shown_type))
    for site_id, test_id, goal, at, offsets in cursor.execute("SELECT * FROM since"):
        reached = Reached(array("q", offsets), at)
        state.crossings.since[site_id, test_id, goal] = reached
    for subject, record in cursor.execute("SELECT * FROM crossed"):
        state.crossings.crossed[_read(subject, Subject)] = record
    for (crossing,) in cursor.execute("SELECT crossing FROM pending ORDER BY place"):
        state.pending[_read(crossing, Crossing)] = None


def _write(connection: sqlite3.Connection, changes: Changes, partition: str) -> None:
    connection.execute("DELETE FROM place")
    connection.execute(
        "INSERT INTO place VALUES (?, ?, ?, ?)",
        (VERSION, partition, changes.offset, changes.minute),
    )
    _write_numbers(connection, changes)
    connection.executemany(
        "INSERT OR REPLACE INTO arms VALUES (?, ?, ?)",
        [(number, _pack(arm), _pack(t)) for number, (arm, t) in changes.arms.items()],
    )
    _write_units(connection, changes.units)
    _write_since(connection, changes.since)
    connection.execute("DELETE FROM crossed")
    connection.executemany(
        "INSERT INTO crossed VALUES (?, ?)",
        [(_pack(subject), record) for subject, record in changes.crossed.items()],
    )
    connection.execute("DELETE FROM pending")
    connection.executemany(
        "INSERT INTO pending (crossing) VALUES (?)",
        [(_pack(crossing),) for crossing in changes.pending],
    )


def _write_numbers(connection: sqlite3.Connection, changes: Changes) -> None:
    places = [(minute, *key) for minute, key in changes.numbers]
    connection.execute("DELETE FROM numbers WHERE minute < ?", (changes.floor,))
    connection.executemany(
        "DELETE FROM numbers WHERE minute = ? AND site_id = ? AND test_id = ? "
        "AND variant_id = ? AND goal_type = ? AND measure = ?",
        [p for p, n in zip(places, changes.numbers.values(), strict=True) if n is None],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (*place, amount)
            for place, amount in zip(places, changes.numbers.values(), strict=True)
            if amount is not None
        ],
    )


def _write_units(
    connection: sqlite3.Connection, units: dict[int, tuple[Shown, ...] | None]
) -> None:
    """Replace units, so that each gets a higher number the later it was seen."""
    connection.executemany(
        "DELETE FROM units WHERE unit = ?", [(unit,) for unit in units]
    )
    connection.executemany(
        "INSERT INTO units (unit, shown) VALUES (?, ?)",
        [(unit, _pack(shown)) for unit, shown in units.items() if shown is not None],
    )


def _write_since(
    connection: sqlite3.Connection,
    since: dict[SinceKey, tuple[float, bytes] | None],
) -> None:
    connection.executemany(
        "DELETE FROM since WHERE site_id = ? AND test_id = ? AND goal_type = ?",
        list(since),
    )
    connection.executemany(
        "INSERT INTO since VALUES (?, ?, ?, ?, ?)",
        [(*key, *reached) for key, reached in since.items() if reached is not None],
    )


def _forget_changes(state: LiveState) -> None:
    state.counters.changed.clear()
    state.units.changed_arms.clear()
    state.units.changed_units.clear()
    state.crossings.changed_since.clear()


def _since(reached: Reached | None) -> tuple[float, bytes] | None:
    return None if reached is None else (reached.at, reached.offsets.tobytes())


def _read(data: bytes, kind: Any) -> Any:
    return msgspec.msgpack.decode(data, type=kind)
