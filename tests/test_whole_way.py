"""One event, followed from the HTTP body to the variant that a client is served.

The test stands one conversion short of the least data on which anything is concluded.
That conversion is posted to the real collector; then the steps of the loop run one by
one. Before each step runs, all later steps run without it, and nothing may have come
through: so the test fails if any step can be by-passed. At the end the growthbook
client, which was served the control, is served the winner by the real dispatcher.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import duckdb
import httpx
import msgspec
import polars as pl
import pytest
from growthbook import GrowthBook, feature_repo

from code24 import event_log
from code24.assignment import assign
from code24.contracts.event import LogRecord
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.site import Site
from code24.releases import Reader
from code24.settings import HOST, Settings
from code24.state import decisions, experiments, open_state, sites
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance, prepare
from orchestration.run import QUIET

UNITS = 4_000
CONTROL_CONVERSIONS = 24
"""One fewer than ``AnalysisConfig.least_conversions``."""
VARIANT_CONVERSIONS = 120
EVENT_ID = "the-event-that-is-followed"
TEST = Experiment(
    test_id="price-page",
    site_id="shop",
    test_type="layout",
    goal_type="sales",
    variants=(
        Variant(variant_id="old", name="Old page"),
        Variant(variant_id="new", name="New page"),
    ),
    traffic_split=(0.5, 0.5),
    status="running",
)
STEPS = ("raw", "warehouse", "analyses", "decisions", "release")


@pytest.fixture
def way(settings: Settings) -> "Iterator[Way]":
    prepare(settings)
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        site = sites.add_site(
            state, "shop", "shop.example", "fashion", ["sales"], actor="test", now=now
        )
        experiments.create_test(state, TEST, actor="test", now=now)
    with ExitStack() as stack:
        stack.enter_context(_serving(settings, "collector", settings.ports.collector))
        instance = stack.enter_context(open_instance(settings))
        definitions = build_definitions(settings)
        job = definitions.resolve_job_def("loop_job")
        way = Way(settings, site, job, instance)
        way.post(list(visits()))
        way.run(*STEPS)
        stack.enter_context(_serving(settings, "dispatcher", settings.ports.dispatcher))
        yield way


def test_one_event_goes_all_the_way_and_no_step_can_be_bypassed(way: "Way") -> None:
    unit = units_of("old")[CONTROL_CONVERSIONS]
    assert way.last_decision().kind == "keep"
    assert way.served(unit) == "old"
    before = way.release_id()

    way.post([conversion(unit, EVENT_ID)])
    assert way.ids_in_log().count(EVENT_ID) == 1

    for number, step in enumerate(STEPS):
        way.run(*STEPS[number + 1 :])
        assert way.release_id() == before, f"it came through without {step}"
        assert way.served(unit) == "old", f"it came through without {step}"
        assert _SEEN[step](way) == 0, f"it is there before {step} ran"
        way.run(step)
        assert _SEEN[step](way) == 1, f"it did not come through {step}"

    until(lambda: way.served(unit) == "new")
    decision = way.last_decision()
    assert (decision.kind, decision.variant) == ("ship", "new")
    assert {way.served(f"stranger-{number}") for number in range(20)} == {"new"}
    assert way.manifest_of(decision.decision_id) == way.release_id()


@dataclass
class Way:
    """The processes and stores that the event passes."""

    settings: Settings
    site: Site
    job: dg.JobDefinition
    instance: dg.DagsterInstance

    def post(self, events: list[dict[str, Any]]) -> None:
        """Send events to the collector; all must be accepted."""
        post(self.settings, self.site, events)

    def run(self, *steps: str) -> None:
        """Run these steps of the loop, and no other."""
        keys = [key for step in steps for key in self._keys(step)]
        if not keys:
            return
        result = self.job.execute_in_process(
            instance=self.instance, asset_selection=keys, run_config=QUIET
        )
        assert result.success

    def _keys(self, step: str) -> list[dg.AssetKey]:
        groups = {
            "raw": {"raw"},
            "warehouse": {"staging", "intermediate", "marts"},
            "analyses": {"priors", "experiments"},
            "decisions": {"decisions"},
            "release": {"release"},
        }[step]
        graph = self.job.asset_layer.asset_graph
        return [
            key
            for key in graph.executable_asset_keys
            if graph.get(key).group_name in groups
        ]

    def ids_in_log(self) -> list[str | None]:
        """Return the ids of the events that the log's live partition holds."""
        records = event_log.read(self.settings.log, "live", 0)
        decoded = (msgspec.json.decode(r.payload, type=LogRecord) for r in records)
        return [record.event.id for record in decoded]

    def count(self, query: str, *values: str) -> int:
        """Return the one number that a query on the warehouse gives."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as warehouse:
            row = warehouse.execute(query, values).fetchone()
        assert row is not None
        return int(row[0])

    def last_decision(self) -> Any:
        with open_state(self.settings.database_url) as state:
            return decisions.list_decisions(state, test_id=TEST.test_id)[-1]

    def reader(self) -> Reader:
        return Reader(self.settings.releases, self.settings.keys / "verify.pub")

    def release_id(self) -> str:
        return self.reader().current().release_id

    def manifest_of(self, decision_id: str) -> str:
        """Return the release whose shard has ended the test as was decided."""
        reader = self.reader()
        manifest = reader.current()
        (test,) = reader.site(manifest, "shop").tests
        with open_state(self.settings.database_url) as state:
            assert experiments.get_test(state, TEST.test_id).winner_variant == "new"
            last = decisions.list_decisions(state, test_id=TEST.test_id)[-1]
        assert last.decision_id == decision_id
        assert (test.status, test.winner_variant) == ("complete", "new")
        return manifest.release_id

    def served(self, unit: str) -> Any:
        """Return what the growthbook client is served for this unit."""
        feature_repo.clear_cache()
        client = GrowthBook(
            api_host=f"http://{HOST}:{self.settings.ports.dispatcher}",
            client_key=self.site.client_key,
            attributes={"id": unit},
        )
        client.load_features()
        value = client.get_feature_value(TEST.test_id, "fallback")
        client.destroy()
        return value


def _in_raw(way: Way) -> int:
    files = str(way.settings.raw / "events" / "*" / "*.parquet")
    return pl.scan_parquet(files).filter(event_id=EVENT_ID).collect().height


def _in_warehouse(way: Way) -> int:
    """Count it in staging, facts and statistics: in all of them, or in none."""
    counts = {
        way.count(
            "select count(*) from staging.stg_events where event_id = ?", EVENT_ID
        ),
        way.count(
            "select count(*) from marts.fct_conversions where event_id = ?", EVENT_ID
        ),
        way.count(
            "select conversions from marts.mart_experiment_stats "
            "where variant_id = 'old' and metric = 'conversion'"
        )
        - CONTROL_CONVERSIONS,
    }
    assert len(counts) == 1, f"it is in some models and not in others: {counts}"
    return counts.pop()


def _in_analyses(way: Way) -> int:
    query = "select conversions from experiments.analyses where variant_id = 'old'"
    return way.count(query) - CONTROL_CONVERSIONS


def _in_decisions(way: Way) -> int:
    evidence = way.last_decision().evidence
    found = [arm for arm in evidence["variants"] if arm["variant_id"] == "old"]
    return int(found[0]["conversions"]) - CONTROL_CONVERSIONS


def _in_release(way: Way) -> int:
    (test,) = way.reader().site(way.reader().current(), "shop").tests
    return int(test.winner_variant == "new")


_SEEN: dict[str, Callable[[Way], int]] = {
    "raw": _in_raw,
    "warehouse": _in_warehouse,
    "analyses": _in_analyses,
    "decisions": _in_decisions,
    "release": _in_release,
}


def units_of(variant: str) -> list[str]:
    """Return the units that the test's own hashing gives this variant."""
    index = [each.variant_id for each in TEST.variants].index(variant)
    names = (f"unit-{number}" for number in range(UNITS))
    return [name for name in names if assign(TEST, name) == index]


def visits() -> Iterator[dict[str, Any]]:
    converting = {"old": CONTROL_CONVERSIONS, "new": VARIANT_CONVERSIONS}
    for variant, count in converting.items():
        units = units_of(variant)
        yield from (_exposure(unit, variant) for unit in units)
        yield from (conversion(unit, f"sale-{unit}") for unit in units[:count])


def _exposure(unit: str, variant: str) -> dict[str, Any]:
    return {
        **_event(unit, f"view-{unit}", minutes_ago=30),
        "eventType": "interaction",
        "metadata": {
            "name": "experiment_viewed",
            "experimentId": TEST.test_id,
            "variationId": variant,
            "unitId": unit,
        },
    }


def conversion(unit: str, event_id: str) -> dict[str, Any]:
    return {
        **_event(unit, event_id, minutes_ago=10),
        "eventType": "conversion",
        "goalType": "sales",
        "conversionValue": 20.0,
    }


def _event(unit: str, event_id: str, minutes_ago: int) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "id": event_id,
        "siteId": "shop",
        "visitorId": unit,
        "timestamp": at.isoformat(),
    }


def post(settings: Settings, site: Site, events: list[dict[str, Any]]) -> None:
    """Send events to the collector, 500 a request; all must be accepted."""
    address = f"http://{HOST}:{settings.ports.collector}/v1/events"
    for start in range(0, len(events), 500):
        part = events[start : start + 500]
        answer = httpx.post(address, json={"events": part}, auth=(site.write_key, ""))
        assert answer.json() == {"accepted": len(part), "rejected": []}


@contextmanager
def _serving(settings: Settings, name: str, port: int) -> Iterator[None]:
    environment = {**os.environ, **settings.environment()}
    command = [sys.executable, "-m", f"app.{name}"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            until(lambda: _is_well(f"http://{HOST}:{port}/health"))
            yield
        finally:
            process.terminate()
            assert process.wait(20) == 0


def _is_well(address: str) -> bool:
    try:
        return httpx.get(address, timeout=1.0).status_code == 200
    except httpx.HTTPError:
        return False


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
