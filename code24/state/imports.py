"""The ledger of imports: what came in, and how far each file got."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.wire import Contract, digest
from code24.state import audit
from code24.state.errors import NotKnownError, StateError
from code24.state.store import State
from code24.state.tables import imports

ImportStatus = Literal["running", "complete"]


class ImportRow(Contract, frozen=True, kw_only=True):
    """One file by its content; ``rows_done`` of it need not be read again."""

    import_id: str
    source: str
    sha256: str
    format: str
    site_id: str | None
    rows_done: int
    status: ImportStatus
    counts: dict[str, int]
    started_at: datetime
    finished_at: datetime | None


def begin(
    state: State,
    source: str,
    sha256: str,
    format_name: str,
    *,
    site_id: str | None = None,
    actor: str,
    now: datetime,
) -> ImportRow:
    """Enter a file, or return the entry of the same content, format and site.

    A ``complete`` entry has nothing left to import; a ``running`` one goes on after
    ``rows_done``. ``source`` names the file for people and identifies nothing.
    """
    import_id = digest([sha256, format_name, site_id])[:32]
    with state.write() as connection:
        if _find(connection, import_id) is None:
            _insert(connection, import_id, source, sha256, format_name, site_id, now)
            _audit(connection, "import.begin", import_id, actor=actor, now=now)
        return _require(connection, import_id)


def advance(
    state: State,
    import_id: str,
    rows_done: int,
    counts: Mapping[str, int],
    *,
    actor: str,
    now: datetime,
) -> ImportRow:
    """Note that ``rows_done`` rows in all are in, and what they came to.

    Raises:
        StateError: the import is complete, or had got further.
        NotKnownError: there is no such import.
    """
    with state.write() as connection:
        row = _running(connection, import_id)
        if rows_done < row.rows_done:
            raise StateError(
                f"import {import_id!r} got to row {row.rows_done} already, "
                f"not {rows_done}"
            )
        _update(connection, import_id, rows_done=rows_done, counts=dict(counts))
        _audit(connection, "import.advance", import_id, actor=actor, now=now)
        return _require(connection, import_id)


def finish(state: State, import_id: str, *, actor: str, now: datetime) -> ImportRow:
    """Note that the whole file is in; importing it again then does nothing.

    Raises:
        StateError: the import is complete.
        NotKnownError: there is no such import.
    """
    with state.write() as connection:
        _running(connection, import_id)
        _update(connection, import_id, status="complete", finished_at=now)
        _audit(connection, "import.finish", import_id, actor=actor, now=now)
        return _require(connection, import_id)


def list_imports(state: State) -> list[ImportRow]:
    """Return every import, the oldest first."""
    query = sa.select(imports).order_by(imports.c.started_at, imports.c.import_id)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [ImportRow(**row) for row in rows]


def _insert(
    connection: Connection,
    import_id: str,
    source: str,
    sha256: str,
    format_name: str,
    site_id: str | None,
    now: datetime,
) -> None:
    connection.execute(
        sa.insert(imports).values(
            import_id=import_id,
            source=source,
            sha256=sha256,
            format=format_name,
            site_id=site_id,
            rows_done=0,
            status="running",
            counts={},
            started_at=now,
        )
    )


def _update(connection: Connection, import_id: str, **values: object) -> None:
    query = sa.update(imports).where(imports.c.import_id == import_id)
    connection.execute(query.values(**values))


def _audit(
    connection: Connection, action: str, import_id: str, *, actor: str, now: datetime
) -> None:
    audit.append(
        connection,
        action,
        f"import:{import_id}",
        actor=actor,
        now=now,
        after=_require(connection, import_id),
    )


def _running(connection: Connection, import_id: str) -> ImportRow:
    row = _require(connection, import_id)
    if row.status != "running":
        raise StateError(f"import {import_id!r} of {row.source!r} is {row.status}")
    return row


def _require(connection: Connection, import_id: str) -> ImportRow:
    found = _find(connection, import_id)
    if found is None:
        raise NotKnownError(f"import {import_id!r} is not known")
    return found


def _find(connection: Connection, import_id: str) -> ImportRow | None:
    query = sa.select(imports).where(imports.c.import_id == import_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else ImportRow(**row)
