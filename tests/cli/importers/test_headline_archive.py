"""The headline tests: history with the archive's counts, the newest as events."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from cli.importers.headline_archive import IMPORTER
from cli.importers.importer import BadRow, ImportFileError, ImportItem
from cli.importers.samples import SAMPLES
from code24.contracts.event import Event
from code24.contracts.experiment import Experiment, PastExperiment
from tests.cli.importers.reading import events, only, read, reasons

SAMPLE = SAMPLES / "upworthy" / "headline_tests.parquet"


@pytest.fixture(scope="module")
def items() -> list[ImportItem]:
    return read(IMPORTER, SAMPLE, "upworthy")


@pytest.fixture(scope="module")
def replayed(items: list[ImportItem]) -> list[Event]:
    return events(items)


@pytest.fixture(scope="module")
def archive() -> pl.DataFrame:
    return pl.read_parquet(SAMPLE)


def unit(event: Event) -> str:
    return event.visitor_id


def test_the_newest_twelve_are_tests_and_the_rest_is_history(
    items: list[ImportItem],
) -> None:
    past = only(PastExperiment, items)
    tests = only(Experiment, items)

    assert (len(past), len(tests), len(only(BadRow, items))) == (3_412, 12, 0)
    starts = [test.start_date for test in tests if test.start_date]
    assert min(starts) >= datetime(2015, 4, 26, tzinfo=UTC)  # the newest week's Sunday
    assert len(starts) == 12
    ids = [test.test_id for test in tests]
    same_week = [one.experiment_id for one in past if one.ended_at > max(starts)]
    assert ids == sorted([*ids, *same_week])[:12]
    assert {test.status for test in tests} == {"running"}
    assert all(len(set(test.traffic_split)) == 1 for test in tests)


def test_history_has_the_archives_counts(
    items: list[ImportItem], archive: pl.DataFrame
) -> None:
    counted = {
        (test.experiment_id, variant.variant_id): (variant.units, variant.conversions)
        for test in only(PastExperiment, items)
        for variant in test.variants
    }

    theirs = {
        (f"headline-{row['test_id']}", f"v{row['variation']}"): (
            row["impressions"],
            row["clicks"],
        )
        for row in archive.iter_rows(named=True)
    }
    assert counted.items() <= theirs.items()
    assert len(theirs) - len(counted) == sum(
        len(test.variants) for test in only(Experiment, items)
    )


def test_each_impression_is_an_exposure_and_each_click_a_conversion(
    items: list[ImportItem], replayed: list[Event], archive: pl.DataFrame
) -> None:
    shown = {
        unit(e): (e.metadata["experimentId"], e.metadata["variationId"])
        for e in replayed
        if e.metadata.get("name") == "experiment_viewed"
    }
    clicked = [unit(e) for e in replayed if e.event_type == "conversion"]

    views = Counter(shown.values())
    clicks = Counter(shown[unit_id] for unit_id in clicked)
    names = {test.test_id for test in only(Experiment, items)}
    for row in archive.iter_rows(named=True):
        key = (f"headline-{row['test_id']}", f"v{row['variation']}")
        if key[0] in names:
            assert (views[key], clicks[key]) == (row["impressions"], row["clicks"])
    assert (views.total(), clicks.total()) == (123_919, 922)
    assert len(replayed) == 124_841
    assert len(set(clicked)) == len(clicked)


def test_a_click_follows_its_impression_within_the_week_of_the_test(
    items: list[ImportItem], replayed: list[Event]
) -> None:
    viewed_at = {
        unit(e): e.timestamp for e in replayed if e.event_type == "interaction"
    }
    start = {
        test.test_id: test.start_date
        for test in only(Experiment, items)
        if test.start_date
    }

    for event in replayed:
        if event.event_type == "conversion":
            assert event.timestamp > viewed_at[unit(event)]
        else:
            assert event.timestamp >= start[event.metadata["experimentId"]]
    times = [event.timestamp for event in replayed]
    assert times == sorted(times)
    assert times[-1] < datetime(2015, 5, 4, tzinfo=UTC)
    assert times[-1] - times[0] > timedelta(days=5)


def test_reading_again_gives_the_same_events(items: list[ImportItem]) -> None:
    assert read(IMPORTER, SAMPLE, "upworthy") == items


def test_the_order_of_impressions_mixes_the_variants(replayed: list[Event]) -> None:
    first = Counter(
        (e.metadata["experimentId"], e.metadata["variationId"])
        for e in replayed[:2_000]
        if e.event_type == "interaction"
    )

    tests = {test for test, _ in first}
    assert all(len([k for k in first if k[0] == test]) > 1 for test in tests)


def package(**change: object) -> dict[str, object]:
    return {
        "test_id": "546d88fb84ad38b2ce000024",
        "created_at": datetime(2014, 11, 20),  # noqa: DTZ001 - Parquet without zones
        "test_week": 201446,
        "variation": 0,
        "headline": "A",
        "image_id": "i1",
        "impressions": 100,
        "clicks": 5,
    } | change


def write(path: Path, *rows: dict[str, object]) -> Path:
    pl.DataFrame(list(rows)).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("second", "test_type", "name"),
    [
        ({"headline": "B"}, "headline", "B"),
        ({"image_id": "i2"}, "image", "A (image i2)"),
        ({"image_id": None}, "image", "A (image none)"),
        ({"headline": "B", "image_id": "i2"}, "package", "B (image i2)"),
        ({}, "package", "A (package 2)"),
    ],
)
def test_a_test_is_of_the_kind_of_what_differs(
    tmp_path: Path, second: dict[str, object], test_type: str, name: str
) -> None:
    path = write(tmp_path / "a.parquet", package(), package(variation=1, **second))

    (test,) = only(Experiment, read(IMPORTER, path))

    assert (test.test_type, test.variants[1].name) == (test_type, name)


@pytest.mark.parametrize("replay", ["0", "1"])
def test_impossible_counts_are_told_and_the_rest_goes_on(
    tmp_path: Path, replay: str
) -> None:
    path = write(
        tmp_path / "a.parquet",
        package(test_id="good"),
        package(test_id="good", variation=1),
        package(test_id="more-clicks"),
        package(test_id="more-clicks", variation=1, clicks=101),
        package(test_id="no-clicks", clicks=None),
        package(test_id="no-clicks", variation=1),
    )

    items = read(IMPORTER, path, options={"replay": replay})

    assert set(reasons(items)) == {"a.parquet:3", "a.parquet:5"}
    assert "101 conversions of 100 units" in reasons(items)["a.parquet:3"]
    sound = [*only(PastExperiment, items), *only(Experiment, items)]
    assert len(sound) == 1


def test_a_truncated_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    path.write_bytes(SAMPLE.read_bytes()[:200_000])

    assert not IMPORTER.sniff(path)
    with pytest.raises(ImportFileError, match=r"cut\.parquet: cannot be read as Parq"):
        read(IMPORTER, path)


def test_a_column_of_another_type_is_one_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", package(clicks="many"))

    with pytest.raises(ImportFileError, match=r"a\.parquet: cannot be read"):
        read(IMPORTER, path)
