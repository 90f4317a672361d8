"""Headline tests of the Upworthy Research Archive: history, and tests to replay.

The archive counts impressions and clicks of each package; it does not say who saw
what when. A replayed test keeps those counts exactly. Its unit ids, the order of the
impressions and their times within the test's week are stand-ins, drawn from a
seed of the test's id, so that every reading gives the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.importers import parquet
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportItem,
    Request,
    integer_option,
    required_site,
)
from code24.contracts.experiment import (
    Experiment,
    PastExperiment,
    PastVariant,
    Variant,
)

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Mapping[str, type | None] = {
    "test_id": str,
    "created_at": datetime,
    "test_week": int,
    "variation": int,
    "headline": str,
    "image_id": str,
    "impressions": int,
    "clicks": int,
}
SOURCE = "Upworthy Research Archive, exploratory part (CC BY 4.0)"
REPLAYED = 12
"""So many of the newest tests are replayed: about 125,000 events, seconds to import."""
WEEK = timedelta(days=7)
SHORTEST_WINDOW = timedelta(hours=1)
LONGEST_READ = 60.0
"""A stand-in click follows its impression within so many seconds."""


class Package(NamedTuple):
    """What was shown under one variant, and how it did."""

    headline: str
    image_id: str | None
    """None where the archive names no image."""
    impressions: int
    clicks: int


class ArchivedTest(NamedTuple):
    """One test of the archive."""

    test_id: str
    created_at: datetime
    test_week: int
    """When it ran: the year, and its week by the archive's calendar."""
    row: int
    packages: tuple[Package, ...]


class Moment(NamedTuple):
    """One event to be, in the order of time."""

    at: datetime
    unit_id: str
    is_click: bool
    variation: int
    test: ArchivedTest


class HeadlineArchive:
    """All but the newest tests as past experiments, the newest as events."""

    name = "headline-archive"
    about = "Headline tests (Parquet, a row a package): history, the newest as events"
    options: Mapping[str, str] = {
        "replay": f"how many of the newest tests become events ({REPLAYED})"
    }

    def sniff(self, path: Path) -> bool:
        """Say whether this is a Parquet file with the archive's columns."""
        return parquet.has_columns(path, COLUMNS)

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield history and test definitions first, then the events in time order."""
        site_id = required_site(request, path)
        replayed = integer_option(request, "replay", REPLAYED)
        groups = _grouped(parquet.read(path, COLUMNS))
        yield from (_empty(rows, path) for rows in groups if _has_gap(rows))
        tests = [_test(rows) for rows in groups if not _has_gap(rows)]
        newest = sorted(tests, key=_newest_first)[:replayed]
        for test in tests:
            if test not in newest:
                yield _checked(_past, test, site_id, path)
        sound: list[ArchivedTest] = []
        for test in newest:
            item = _checked(_definition, test, site_id, path)
            sound += [] if isinstance(item, BadRow) else [test]
            yield item
        moments = sorted(chain.from_iterable(_moments(test) for test in sound))
        for moment in moments:
            yield EventRow(_event(moment, site_id), f"{path.name}:{moment.test.row}")


def _newest_first(test: ArchivedTest) -> tuple[int, str]:
    """Order by the week, newest first, as the archive dates tests; then by id."""
    return -test.test_week, test.test_id


def _grouped(frame: pl.DataFrame) -> list[list[dict[str, Any]]]:
    """Return the rows of each test, the oldest test first."""
    ordered = frame.with_row_index("row", offset=1).sort(
        "created_at", "test_id", "variation"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ordered.iter_rows(named=True):
        found.setdefault(row["test_id"], []).append(row)
    return list(found.values())


def _has_gap(rows: list[dict[str, Any]]) -> bool:
    needed = COLUMNS.keys() - {"image_id"}
    return any(row[name] is None for row in rows for name in needed)


def _empty(rows: list[dict[str, Any]], path: Path) -> BadRow:
    source = f"{path.name}:{rows[0]['row']}"
    return BadRow("invalid: a field of the test is empty", source, str(rows))


def _test(rows: list[dict[str, Any]]) -> ArchivedTest:
    packages = tuple(Package(**{f: row[f] for f in Package._fields}) for row in rows)
    first = rows[0]
    created_at = first["created_at"].replace(tzinfo=UTC)
    week = max(row["test_week"] for row in rows)
    return ArchivedTest(first["test_id"], created_at, week, first["row"], packages)


def _checked(
    make: Callable[[ArchivedTest, str], PastExperiment | Experiment],
    test: ArchivedTest,
    site_id: str,
    path: Path,
) -> ImportItem:
    try:
        return make(test, site_id)
    except (ValueError, TypeError) as error:
        return BadRow(
            f"invalid: {error}", f"{path.name}:{test.row}", str(test.packages)
        )


def _past(test: ArchivedTest, site_id: str) -> PastExperiment:
    return PastExperiment(
        site_id=site_id,
        experiment_id=_experiment_id(test),
        test_type=_test_type(test),
        goal_type="traffic",
        ended_at=_week_start(test) + WEEK,
        source=SOURCE,
        variants=tuple(
            PastVariant(
                variant_id=f"v{variation}",
                units=package.impressions,
                conversions=package.clicks,
            )
            for variation, package in enumerate(test.packages)
        ),
    )


def _definition(test: ArchivedTest, site_id: str) -> Experiment:
    """Define the test; its counts must be such that it could be a past one too."""
    _past(test, site_id)
    share = 1 / len(test.packages)
    return Experiment(
        test_id=_experiment_id(test),
        site_id=site_id,
        test_type=_test_type(test),
        goal_type="traffic",
        variants=tuple(
            Variant(variant_id=f"v{variation}", name=name)
            for variation, name in enumerate(_names(test.packages))
        ),
        traffic_split=(share,) * len(test.packages),
        status="running",
        start_date=_start(test),
    )


def _experiment_id(test: ArchivedTest) -> str:
    return f"headline-{test.test_id}"


def _test_type(test: ArchivedTest) -> str:
    """Name what differs: headlines alone, images alone, or neither or both."""
    has_headlines = len({package.headline for package in test.packages}) > 1
    has_images = len({package.image_id for package in test.packages}) > 1
    if has_headlines == has_images:
        return "package"
    return "headline" if has_headlines else "image"


def _names(packages: Sequence[Package]) -> list[str]:
    """Name each package by its headline, and its image or number where needed."""
    headlines = [" ".join(package.headline.split()) for package in packages]
    if len({package.image_id for package in packages}) > 1:
        headlines = [
            f"{headline} (image {package.image_id or 'none'})"
            for headline, package in zip(headlines, packages, strict=True)
        ]
    if len(set(headlines)) == len(headlines):
        return headlines
    return [f"{name} (package {n})" for n, name in enumerate(headlines, start=1)]


def _week_start(test: ArchivedTest) -> datetime:
    """Return the Sunday with which the archive's week begins."""
    return datetime.strptime(f"{test.test_week} 0 +0000", "%Y%U %w %z")


def _start(test: ArchivedTest) -> datetime:
    """Return when the test can have begun: in its week, not before it was made."""
    return max(test.created_at, _week_start(test))


def _moments(test: ArchivedTest) -> Iterator[Moment]:
    """Yield an exposure for each impression and a conversion for each click."""
    random = Random(f"code24 {test.test_id}")  # noqa: S311 - a stand-in, no secret
    start = _start(test)
    window = max(_week_start(test) + WEEK - start, SHORTEST_WINDOW)
    seconds = window.total_seconds() - LONGEST_READ
    views = sorted(
        (random.random(), variation, number < package.clicks)
        for variation, package in enumerate(test.packages)
        for number in range(package.impressions)
    )
    for unit, (place, variation, is_clicked) in enumerate(views):
        unit_id = f"{_experiment_id(test)}-{unit}"
        at = start + timedelta(milliseconds=int(place * seconds * 1000))
        yield Moment(at, unit_id, False, variation, test)
        if is_clicked:
            read = timedelta(milliseconds=int(1000 + random.random() * 58_000))
            yield Moment(at + read, unit_id, True, variation, test)


def _event(moment: Moment, site_id: str) -> dict[str, Any]:
    event = {
        "id": f"{moment.unit_id}-{'click' if moment.is_click else 'view'}",
        "siteId": site_id,
        "visitorId": moment.unit_id,
        "timestamp": moment.at.isoformat(),
    }
    if moment.is_click:
        return event | {"eventType": "conversion", "goalType": "traffic"}
    return event | {
        "eventType": "interaction",
        "metadata": {
            "name": "experiment_viewed",
            "experimentId": _experiment_id(moment.test),
            "variationId": f"v{moment.variation}",
            "unitId": moment.unit_id,
        },
    }


IMPORTER = HeadlineArchive()
