"""Mapping files: what they may say, and what tables become by them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from cli.importers import mapping, ordering
from cli.importers.importer import BadRow, ImportFileError, Request
from cli.importers.mapped import IMPORTER
from cli.importers.tables import Row
from code24.personal import Pseudonyms
from tests.cli.importers.reading import events, only

TEN = datetime(2024, 5, 1, 10, tzinfo=UTC)
PLAIN = {
    "fields": {"visitorId": "who", "timestamp": "at"},
    "constants": {"eventType": "page_view"},
}


def saved(folder: Path, document: object) -> Path:
    path = folder / "m.mapping.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fields": {"visitor": "who"}}, "visitor: no field of an event"),
        ({"fields": {"visitorId": "who"}}, "timestamp: must be in fields"),
        ({"constants": {}}, "eventType: must be in fields or constants"),
        (
            {"constants": {"eventType": "page_view", "timestamp": "x"}},
            "timestamp: stands in fields and in constants",
        ),
        ({"time": {"zone": "Mars/Base"}}, "time.zone 'Mars/Base'"),
        ({"time": {"format": "soon"}}, "time.format 'soon'"),
        ({"time": {"form": "iso"}}, "unknown field `form`"),
        ({"delimiter": ";;"}, "delimiter ';;'"),
        ({"goals": {"column": "k", "values": {"a": "fun"}}}, "Invalid enum value"),
        ({"value": {"decimal": "x"}}, "Invalid enum value"),
    ],
)
def test_a_mapping_that_cannot_be_meant_says_what_is_wrong(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    path = saved(tmp_path, PLAIN | change)

    with pytest.raises(ImportFileError, match=r"m\.mapping\.json: ") as caught:
        mapping.load(path)
    assert told in str(caught.value)


def test_a_broken_mapping_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "m.mapping.toml"
    path.write_text("[fields\n")

    with pytest.raises(ImportFileError, match=r"m\.mapping\.toml: is no mapping"):
        mapping.load(path)


@pytest.mark.parametrize(
    ("time", "text", "moment"),
    [
        ({}, "2024-05-01 10:00", TEN),
        ({}, "2024-05-01T12:00:00+02:00", TEN),
        (
            {"zone": "America/New_York"},
            "2024-05-01 10:00",
            datetime(2024, 5, 1, 14, tzinfo=UTC),
        ),
        ({"format": "unix_ms"}, "1714557600000", TEN),
        (
            {"format": "%d/%m/%y %H:%M"},
            "01/05/24 10:00",
            datetime(2024, 5, 1, 10, tzinfo=UTC),
        ),
    ],
)
def test_times_are_read_as_the_mapping_says(
    tmp_path: Path, time: dict[str, str], text: str, moment: datetime
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"who,at\nv,{text}\n")
    options = {"mapping": str(saved(tmp_path, PLAIN | {"time": time}))}

    (event,) = events(IMPORTER.read(table, Request("shop", options)))

    assert event.timestamp == moment


@pytest.mark.parametrize(
    ("value", "text", "amount"),
    [
        ({}, "1,234.50", 1234.5),
        ({"decimal": ","}, "1.234,50 €", 1234.5),
        ({"factor": 0.01}, "1999", 19.99),
    ],
)
def test_amounts_are_read_as_the_mapping_says(
    tmp_path: Path, value: dict[str, object], text: str, amount: float
) -> None:
    path = saved(tmp_path, PLAIN | {"value": value})

    assert mapping.amount(mapping.load(path), text) == amount


def test_parquet_keeps_its_own_types_and_a_bad_row_its_place(tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    times = [datetime(2024, 5, 1, 10, tzinfo=UTC), None]
    pl.DataFrame({"who": [7, 8], "at": times}).write_parquet(table)
    options = {"mapping": str(saved(tmp_path, PLAIN))}

    items = list(IMPORTER.read(table, Request("shop", options)))

    (event,) = events(items[:1])
    assert (event.visitor_id, event.timestamp) == ("7", times[0])
    assert len(items) == 2


def test_a_column_that_the_table_lacks_is_named(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("who,when\nv,2024-05-01\n")
    options = {"mapping": str(saved(tmp_path, PLAIN))}

    with pytest.raises(ImportFileError, match=r"t\.csv: no column at"):
        list(IMPORTER.read(table, Request("shop", options)))


def test_a_row_that_is_not_as_the_mapping_says_is_told(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("who,at\nv,soon\nv\nv,2024-05-01\n")
    options = {"mapping": str(saved(tmp_path, PLAIN))}

    items = list(IMPORTER.read(table, Request("shop", options)))

    assert [bad.source for bad in only(BadRow, items)] == ["t.csv:2", "t.csv:3"]
    assert len(items) == 3


@pytest.mark.parametrize("held", [2, 3, 100])
def test_rows_are_put_in_order_however_few_are_held(held: int) -> None:
    keys = [5, 3, 9, 3, 1, 8, 3, 0]
    rows = [Row(f"f:{n}", {"key": str(key)}) for n, key in enumerate(keys)]
    rows.insert(4, Row("f:bad", {}, "invalid: broken"))

    found = list(ordering.by_key(rows, lambda fields: (fields["key"],), held))

    assert found[0].problem is not None
    assert [row.fields["key"] for row in found[1:]] == [str(k) for k in sorted(keys)]
    same = [row.source for row in found if row.fields.get("key") == "3"]
    assert same == ["f:1", "f:3", "f:6"]


def test_an_id_that_says_who_somebody_is_is_replaced(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("who,at\nada@shop.example,2024-05-01\n4711,2024-05-01\n")
    document = PLAIN | {"metadata": {"unitId": "who", "note": "who"}}
    options = {"mapping": str(saved(tmp_path, document))}
    keys = tmp_path / "keys"

    found = events(IMPORTER.read(table, Request("shop", options, keys=keys)))

    person = Pseudonyms(keys).of("shop", "ada@shop.example")
    assert [event.visitor_id for event in found] == [person, "4711"]
    assert [event.metadata["unitId"] for event in found] == [person, "4711"]
    assert found[0].metadata["note"] == "ada@shop.example"
