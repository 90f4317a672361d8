"""Rows of events, in raw files or the warehouse, that are a subject's."""

from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from code24.contracts.wire import encode
from code24.privacy.subject import Subject


class RowKey(NamedTuple):
    """Where the record of a row lies in the log."""

    partition: str
    offset: int


def matching(
    connection: duckdb.DuckDBPyConnection, relation: str, subject: Subject
) -> list[RowKey]:
    """Return the subject's rows of a relation with the columns of ``raw.events``.

    DuckDB finds the rows whose text contains an id, Python tells which of them name
    it: so a scan costs what DuckDB's does.

    Args:
        connection: where the relation can be read.
        relation: a table, or a call of ``read_parquet``.
        subject: whose rows are looked for.
    """
    condition, values = _candidates(subject)
    found = connection.execute(
        "select log_partition, log_offset, visitor_id, metadata, url, referrer "  # noqa: S608
        f"from {relation} where site_id = ? and {condition}",
        [subject.site_id, *values],
    )
    keys: list[RowKey] = []
    while batch := found.fetchmany(10_000):
        keys += [RowKey(row[0], row[1]) for row in batch if subject.owns_row(*row[2:])]
    return keys


def _candidates(subject: Subject) -> tuple[str, Sequence[str]]:
    if subject.is_site or not subject.needles():
        return "true", []
    needles = [needle.decode() for needle in subject.needles()]
    texts = "concat_ws(' ', visitor_id, metadata, url, referrer)"
    plain = [encode(one).decode()[1:-1] for one in subject.ids]
    words = sorted({*needles, *plain, *subject.ids})
    return f"({' or '.join([f'contains({texts}, ?)'] * len(words))})", words
