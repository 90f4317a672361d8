"""A home to run the loop on: one site, three tests, some visitors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from code24.contracts.event import Event, LogRecord
from code24.contracts.experiment import (
    Experiment,
    PastExperiment,
    PastVariant,
    Variant,
)
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter
from code24.settings import Settings
from code24.state import State, experiments, open_state, sites

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 8, tzinfo=UTC)
RATES = {"wins": (0.05, 0.15), "equal": (0.1, 0.1), "few": (0.1, 0.1)}
"""Conversion rates of control and variant, by test."""
UNITS = {"wins": 1_500, "equal": 400, "few": 20}
"""Units of each variant, by test."""


def make_home(settings: Settings) -> None:
    """Add the site, its tests, its past tests and its visitors' events."""
    with open_state(settings.database_url) as state:
        fill_state(state)
    append_events(settings, "import", events())


def fill_state(state: State) -> None:
    """Add the site, its running tests and its past ones."""
    sites.add_site(
        state, "shop", "shop.example", "grocery", ["sales"], actor="test", now=START
    )
    for test_id in RATES:
        experiments.create_test(state, running(test_id), actor="test", now=START)
    past = [past_test(number) for number in range(12)]
    experiments.import_past(state, past, actor="test", now=START)


def running(test_id: str) -> Experiment:
    """Return a running test of two variants, half the visitors each."""
    return Experiment(
        test_id=test_id,
        site_id="shop",
        test_type="headline",
        goal_type="sales",
        variants=(
            Variant(variant_id="old", name="Old"),
            Variant(variant_id="new", name="New"),
        ),
        traffic_split=(0.5, 0.5),
        status="running",
        start_date=START,
    )


def past_test(number: int) -> PastExperiment:
    """Return a finished test whose variant did a little better, or worse."""
    return PastExperiment(
        site_id="shop",
        experiment_id=f"past-{number}",
        test_type="headline",
        goal_type="sales",
        ended_at=START - timedelta(days=number + 1),
        source="test",
        variants=(
            PastVariant(variant_id="old", units=2_000, conversions=200),
            PastVariant(variant_id="new", units=2_000, conversions=180 + 5 * number),
        ),
    )


def events() -> Iterator[LogRecord]:
    """Yield an exposure of every unit, and a conversion of those that convert."""
    for test_id, rates in RATES.items():
        for variant_id, rate in zip(("old", "new"), rates, strict=True):
            for number in range(UNITS[test_id]):
                unit = f"{test_id}-{variant_id}-{number}"
                yield exposure(test_id, variant_id, unit, number)
                if number < rate * UNITS[test_id]:
                    yield conversion(unit, number)


def exposure(test_id: str, variant_id: str, unit: str, second: int) -> LogRecord:
    """Return the record of a unit that is shown a variant."""
    shown = {
        "name": "experiment_viewed",
        "experimentId": test_id,
        "variationId": variant_id,
        "unitId": unit,
        "device": ("desktop", "mobile")[second % 2],
    }
    at = START + timedelta(seconds=second)
    event = Event(
        id=f"view-{unit}",
        site_id="shop",
        event_type="interaction",
        visitor_id=unit,
        timestamp=at,
        metadata=shown,
    )
    return LogRecord(event=event, received_at=at, origin="import")


def conversion(unit: str, second: int) -> LogRecord:
    """Return the record of a sale to a unit, a minute after it could be exposed."""
    at = START + timedelta(seconds=second + 60)
    event = Event(
        id=f"sale-{unit}",
        site_id="shop",
        event_type="conversion",
        goal_type="sales",
        conversion_value=9.99,
        visitor_id=unit,
        timestamp=at,
    )
    return LogRecord(event=event, received_at=at, origin="import")


def append_events(
    settings: Settings, partition: str, records: Iterator[LogRecord]
) -> None:
    """Append the records to a partition of the home's event log."""
    with SegmentWriter(settings.log, partition) as writer:
        writer.append([encode(one) for one in records])
