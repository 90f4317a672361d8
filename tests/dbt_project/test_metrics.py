"""The statistics of metrics, against a count by hand and a full refresh."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from code24.contracts.event import Event, LogRecord
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.metric import Measure, Metric
from code24.state.metric_rows import rows_of
from tests.dbt_project.traffic import EXPERIMENTS, SITES, VARIANTS, Traffic
from tests.dbt_project.warehouse import Warehouse

METRICS = (
    Metric(metric_id="revenue", kind="value", role="goal", cap=40.0),
    Metric(metric_id="bounded", kind="value", cap_share=0.9, covariate_days=20),
    Metric(metric_id="soon", kind="conversion", window_hours=24, role="guardrail"),
    Metric(metric_id="all", kind="conversion", window_hours=24, is_mature_only=False),
    Metric(metric_id="pages", kind="count", measure=Measure(of="page_views")),
    Metric(metric_id="order", kind="ratio", per=Measure(of="conversions")),
    Metric(metric_id="median", kind="quantile", quantile=0.5),
    Metric(metric_id="back", kind="retention", day=1),
)


def definition(site: str, metrics: tuple[Metric, ...]) -> Experiment:
    return Experiment(
        test_id=EXPERIMENTS[site],
        site_id=site,
        test_type="headline",
        goal_type="sales",
        variants=tuple(Variant(variant_id=v, name=v) for v in VARIANTS),
        traffic_split=(0.4, 0.3, 0.3),
        status="running",
        metrics=metrics,
    )


def declare(warehouse: Warehouse, **metrics: tuple[Metric, ...]) -> None:
    tests = [definition(site, metrics.get(site, ())) for site in SITES]
    warehouse.snapshot(
        sites=[
            {"site_id": s, "host": f"{s}.example", "vertical": "x", "is_shared": True}
            for s in SITES
        ],
        experiments=[
            {
                "experiment_id": test.test_id,
                "site_id": test.site_id,
                "test_type": test.test_type,
                "goal_type": test.goal_type,
                "status": "running",
                "coverage": 1.0,
                "hash_version": 2,
                "start_at": None,
                "end_at": None,
                "winner_variant_id": None,
                "decision_id": None,
            }
            for test in tests
        ],
        variants=[
            {
                "experiment_id": test.test_id,
                "variation_index": index,
                "variant_id": variant.variant_id,
                "name": variant.name,
            }
            for test in tests
            for index, variant in enumerate(test.variants)
        ],
        metrics=[row for test in tests for row in rows_of(test)],
    )


def take(warehouse: Warehouse, batch: dict[str, list[LogRecord]]) -> None:
    for partition, records in batch.items():
        warehouse.log(partition, records)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "home")


def test_increments_equal_a_full_refresh_whenever_metrics_are_declared(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    traffic = Traffic(seed=11)
    steps: list[dict[str, tuple[Metric, ...]]] = [
        {},
        {"alpha": METRICS},
        {"alpha": METRICS, "beta": METRICS[:3]},
        {"alpha": METRICS[2:], "beta": METRICS[:3]},
    ]
    for number, metrics in enumerate(steps):
        declare(warehouse, **metrics)
        take(warehouse, traffic.batch())
        warehouse.dbt("run")
        fresh = warehouse.twin(tmp_path / f"fresh{number}")
        fresh.dbt("run")
        assert warehouse.differences(fresh) == {}, f"step {number}"
    assert warehouse.query("select count(*) from marts.mart_metric_stats") != [(0,)]
    warehouse.dbt("test", "--select", "int_unit_metrics", "+mart_metric_stats")


BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def event(unit: str, hours: float, kind: str, **fields: Any) -> Event:
    return Event(
        id=f"{unit}-{hours}-{kind}",
        site_id="alpha",
        visitor_id=unit,
        timestamp=BEGIN + timedelta(hours=hours),
        event_type=kind,  # type: ignore[arg-type]
        **fields,
    )


def journey(number: int, rng: np.random.Generator) -> list[Event]:
    """Return one unit's exposure, and page views and sales before and after it."""
    unit, at = f"u{number}", float(rng.integers(0, 100))
    shown = {
        "name": "experiment_viewed",
        "experimentId": EXPERIMENTS["alpha"],
        "variationId": VARIANTS[number % 3],
    }
    events = [event(unit, at, "interaction", metadata=shown)]
    for _ in range(rng.integers(0, 6)):
        later = at + float(rng.integers(-2_000, 7_200)) / 100
        events.append(event(unit, later, "page_view", url="https://alpha.example/"))
    for _ in range(rng.integers(0, 4)):
        later = at + float(rng.integers(-2_000, 7_200)) / 100
        value = float(rng.integers(1, 9_000)) / 100
        sale = {"goal_type": "sales", "conversion_value": value}
        events.append(event(unit, later, "conversion", **sale))
    return events


class ByHand:
    """The same figures from the events themselves, unit by unit."""

    def __init__(self, journeys: list[list[Event]]) -> None:
        self.units: dict[str, list[dict[str, Any]]] = defaultdict(list)
        seen = [
            e.timestamp
            for events in journeys
            for e in events
            if e.event_type != "page_view"
        ]
        self.as_of = (max(seen) - BEGIN) / timedelta(hours=1)
        for shown, *rest in journeys:
            at = (shown.timestamp - BEGIN) / timedelta(hours=1)
            ages = [
                (round((e.timestamp - BEGIN) / timedelta(hours=1) - at, 6), e)
                for e in rest
            ]
            self.units[shown.metadata["variationId"]].append({"at": at, "ages": ages})

    def value(self, unit: dict[str, Any], low: float, high: float) -> int:
        return sum(
            round((e.conversion_value or 0) * 100)
            for age, e in unit["ages"]
            if e.event_type == "conversion" and low <= age < high
        )

    def count(self, unit: dict[str, Any], kind: str, low: float, high: float) -> int:
        return sum(e.event_type == kind and low <= a < high for a, e in unit["ages"])


def stats_of(warehouse: Warehouse, metric: str) -> dict[str, dict[str, Any]]:
    rows = warehouse.rows(f"from marts.mart_metric_stats where metric_id = '{metric}'")
    return {row["variant_id"]: row for row in rows}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, ByHand]:
    rng = np.random.default_rng(5)
    journeys = [journey(number, rng) for number in range(200)]
    received = BEGIN + timedelta(days=30)
    records = [
        LogRecord(event=e, received_at=received, origin="import")
        for events in journeys
        for e in events
    ]
    warehouse = Warehouse(tmp_path_factory.mktemp("counted") / "home")
    declare(warehouse, alpha=METRICS)
    warehouse.log("import", records)
    warehouse.dbt("run")
    return warehouse, ByHand(journeys)


FOREVER = 1e9


def test_values_are_capped_and_squared_unit_by_unit(
    counted: tuple[Warehouse, ByHand],
) -> None:
    warehouse, hand = counted
    for variant, row in stats_of(warehouse, "revenue").items():
        units = hand.units[variant]
        capped = [min(hand.value(u, 0, FOREVER), 4_000) for u in units]
        assert row["units"] == len(units)
        assert row["units_with"] == sum(v > 0 for v in capped)
        assert row["value_sum"] == sum(capped)
        assert row["value_sum_sq"] == sum(v * v for v in capped)


def test_the_quantile_that_caps_is_of_all_units_with_something(
    counted: tuple[Warehouse, ByHand],
) -> None:
    warehouse, hand = counted
    everyone = [u for units in hand.units.values() for u in units]
    paid = [v for u in everyone if (v := hand.value(u, 0, FOREVER)) > 0]
    cap = int(np.quantile(paid, 0.9, method="inverted_cdf"))
    for variant, row in stats_of(warehouse, "bounded").items():
        now = [min(hand.value(u, 0, FOREVER), cap) for u in hand.units[variant]]
        before = [min(hand.value(u, -480, 0), cap) for u in hand.units[variant]]
        assert row["cap_applied"] == cap
        assert row["value_sum"] == sum(now)
        assert row["earlier_sum"] == sum(before)
        assert row["earlier_sum_sq"] == sum(b * b for b in before)
        pairs = zip(now, before, strict=True)
        assert row["earlier_product_sum"] == sum(n * b for n, b in pairs)


def test_units_whose_window_is_not_over_are_kept_out_where_asked(
    counted: tuple[Warehouse, ByHand],
) -> None:
    warehouse, hand = counted
    for metric, is_mature_only in (("soon", True), ("all", False)):
        for variant, row in stats_of(warehouse, metric).items():
            units = hand.units[variant]
            over = [u for u in units if u["at"] + 24 <= hand.as_of]
            counting = over if is_mature_only else units
            converted = [hand.count(u, "conversion", 0, 24) > 0 for u in counting]
            assert row["units_pending"] == len(units) - len(over)
            assert row["units"] == len(counting)
            assert row["value_sum"] == row["units_with"] == sum(converted)


def test_ratios_counts_and_returns(counted: tuple[Warehouse, ByHand]) -> None:
    warehouse, hand = counted
    orders, pages, back = (
        stats_of(warehouse, name) for name in ("order", "pages", "back")
    )
    for variant, units in hand.units.items():
        value = [hand.value(u, 0, FOREVER) for u in units]
        sold = [hand.count(u, "conversion", 0, FOREVER) for u in units]
        viewed = [hand.count(u, "page_view", 0, FOREVER) for u in units]
        assert orders[variant]["value_sum"] == sum(value)
        assert orders[variant]["per_sum"] == sum(sold)
        assert orders[variant]["per_sum_sq"] == sum(s * s for s in sold)
        product = sum(v * s for v, s in zip(value, sold, strict=True))
        assert orders[variant]["per_product_sum"] == product
        assert pages[variant]["value_sum"] == sum(viewed)
        over = [u for u in units if u["at"] + 48 <= hand.as_of]
        returned = [hand.count(u, "page_view", 24, 48) > 0 for u in over]
        assert back[variant]["units"] == len(over)
        assert back[variant]["value_sum"] == sum(returned)


def test_the_histogram_holds_each_unit_with_something_in_its_bin(
    counted: tuple[Warehouse, ByHand],
) -> None:
    warehouse, hand = counted
    rows = warehouse.query(
        "select variation_index, bin, units from marts.mart_metric_histogram "
        "where metric_id = 'median' order by all"
    )
    for index, variant in enumerate(VARIANTS):
        values = [v for u in hand.units[variant] if (v := hand.value(u, 0, FOREVER))]
        bins = [(number, units) for i, number, units in rows if i == index]
        assert sum(units for _, units in bins) == len(values)
        for number, units in bins:
            low, high = 1.02**number, 1.02 ** (number + 1)
            assert units == sum(low <= v < high for v in values)
        assert all(a < b for (a, _), (b, _) in pairwise(bins))
