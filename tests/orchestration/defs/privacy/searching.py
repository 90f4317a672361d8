"""Whether a text is anywhere below a home, however it is packed."""

from pathlib import Path

import duckdb
from pyarrow import parquet


def places(home: Path, text: str) -> list[str]:
    """Return every place below the home that holds the text.

    Every byte of every file; Parquet and DuckDB, which compress, also by value.
    """
    found = [
        str(path.relative_to(home))
        for path in sorted(home.rglob("*"))
        if path.is_file() and text.encode() in path.read_bytes()
    ]
    found += [
        f"{path.relative_to(home)} (values)"
        for path in home.rglob("*.parquet")
        if text in str(parquet.ParquetFile(path).read().to_pylist())
    ]
    for path in home.rglob("*.duckdb"):
        found += [f"{path.name} {table}" for table in _tables(path, text)]
    return found


def _tables(path: Path, text: str) -> list[str]:
    with duckdb.connect(str(path)) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
        ).fetchall()
        return [
            name
            for (name,) in names
            if text in str(connection.execute(f"from {name}").fetchall())
        ]
