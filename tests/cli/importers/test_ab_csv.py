"""One experiment as a table with a row a unit."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.importers.ab_csv import IMPORTER
from cli.importers.importer import EventRow, ImportFileError, ImportItem
from code24.contracts.experiment import Experiment
from tests.cli.importers.reading import events, only, read, reasons

OPTIONS = {
    "unit": "user",
    "variant": "group",
    "converted": "bought",
    "variants": "A,B",
    "goal": "sales",
}
SEEN = OPTIONS | {"seen": "page", "variants": "A:old,B:new", "time": "at"}


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_row_is_an_exposure_and_where_it_says_so_a_conversion(tmp_path: Path) -> None:
    path = write(tmp_path / "My Test.csv", "user,group,bought", "u1,A,0", "u2,B,true")

    items = read(IMPORTER, path, options=OPTIONS)

    (test,) = only(Experiment, items)
    assert (test.test_id, test.goal_type) == ("my-test", "sales")
    assert [variant.variant_id for variant in test.variants] == ["a", "b"]
    first, second, sale = events(items)
    assert first.metadata == {
        "name": "experiment_viewed",
        "experimentId": "my-test",
        "variationId": "a",
        "unitId": "u1",
    }
    assert second.visitor_id == sale.visitor_id == "u2"
    assert sale.goal_type == "sales"
    assert sale.timestamp > second.timestamp == datetime(2000, 1, 1, tzinfo=UTC)


def test_a_row_that_saw_another_variant_than_assigned_is_left_out(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path / "t.csv",
        "user,group,bought,page,at",
        "u1,A,0,old,2017-01-11 16:55:06.154213",
        "u2,A,1,new,2017-01-11 16:55:07",
    )

    items = read(IMPORTER, path, options=SEEN)

    assert reasons(items) == {"t.csv:3": "invalid: page='new' contradicts group='A'"}
    (event,) = events(items)
    assert event.timestamp == datetime(2017, 1, 11, 16, 55, 6, 154213, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",A,0,old,2017-01-11", "user is empty"),
        ("u,C,0,old,2017-01-11", "group='C' is none of A, B"),
        ("u,A,maybe,old,2017-01-11", "bought='maybe' is neither true nor false"),
        ("u,A,0,old,yesterday", "Invalid isoformat string: 'yesterday'"),
        ("u", "1 columns, the header has 5"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_the_rest_goes_on(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = write(
        tmp_path / "t.csv", "user,group,bought,page,at", line, "v,B,0,new,2017-01-11"
    )

    items = read(IMPORTER, path, options=SEEN)

    assert reasons(items) == {"t.csv:2": f"invalid: {reason}"}
    assert len(only(EventRow, items)) == 1


def test_a_row_that_is_no_utf_8_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"user,group,bought\nJos\xe9,A,0\nJos\xc3\xa9,A,0\n")

    items = read(IMPORTER, path, options=OPTIONS)

    assert reasons(items) == {"t.csv:2": "invalid: user is not UTF-8"}
    assert [event.visitor_id for event in events(items)] == ["José"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": ""}, "add --option unit="),
        ({"variants": "A"}, "variants must be two or more"),
        ({"variants": "A,a"}, "a variant id stands twice"),
        ({"seen": "page"}, "name what each variant sees"),
        ({"goal": "fame"}, "goal=fame: must be one of sales"),
        ({"unit": "person"}, "no column person"),
        ({"start": "soon"}, "start=soon: must be a date"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    path = write(tmp_path / "t.csv", "user,group,bought,page", "u1,A,0,old")

    with pytest.raises(ImportFileError, match=message):
        read(IMPORTER, path, options=OPTIONS | change)


def rates(items: list[ImportItem]) -> dict[str, tuple[int, float]]:
    """Return units and conversion rate of each variant, a unit counted once."""
    found = events(items)
    shown = {
        e.visitor_id: e.metadata["variationId"]
        for e in found
        if e.event_type == "interaction"
    }
    converted = {e.visitor_id for e in found if e.event_type == "conversion"}
    units: dict[str, list[bool]] = defaultdict(list)
    for unit_id, variant_id in shown.items():
        units[variant_id].append(unit_id in converted)
    return {name: (len(all_), sum(all_) / len(all_)) for name, all_ in units.items()}


@pytest.mark.reference
def test_the_landing_page_test_gives_the_published_rates(
    reference_data: Callable[[str], Path],
) -> None:
    path = reference_data("experiments/ab_landing_page.parquet")
    options = {
        "unit": "user_id",
        "variant": "group",
        "seen": "landing_page",
        "converted": "converted",
        "time": "timestamp",
        "variants": "control:old_page,treatment:new_page",
        "goal": "signups",
    }

    items = read(IMPORTER, path, options=options)

    found = rates(items)
    assert {name: units for name, (units, _) in found.items()} == {
        "control": 145_274,
        "treatment": 145_310,
    }
    assert round(found["control"][1], 5) == 0.12039
    assert round(found["treatment"][1], 5) == 0.11881
    assert len(reasons(items)) == 3_893
