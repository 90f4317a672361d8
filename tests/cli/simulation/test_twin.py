"""A tiny twin run on real parts: effects so large that the first days tell them."""

import msgspec
import pytest

from cli.simulation.home import simulated_home
from cli.simulation.report import OURS, TwinReport, report
from cli.simulation.twin import START, Day, Plan, World, run_twin
from code24.assignment import assign
from code24.contracts.decision import Decision
from code24.releases import Reader
from code24.settings import Settings
from code24.state import experiments, open_state
from models.simulate.curve import FLAT, UNIFORM
from models.simulate.portfolio import Population
from orchestration.warehouse import Warehouse

LARGE = Population((1_500, 1_600), (0.1, 0.11), sds=(1.0, 1.0, 1.0, 1.0), nulls=(1, 99))
PLAN = Plan(sites=2, days=2, seed=24, population=LARGE)

Run = tuple[Settings, World, list[Decision], list[Day]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    own = Settings(home=tmp_path_factory.mktemp("own"))
    home = simulated_home(own, None, is_new=False)
    days: list[Day] = []
    world, taken = run_twin(home, PLAN, days.append)
    return home, world, taken, days


@pytest.fixture(scope="module")
def told(run: Run) -> TwinReport:
    home, world, taken, _ = run
    return report(home, PLAN, world, taken)


def test_the_warehouse_counts_each_simulated_visitor_once(
    run: Run, told: TwinReport
) -> None:
    _, world, _, days = run
    assert told.events == told.events_drained == sum(day.events for day in days)
    assert sum(world.crowd.units.values()) > 4_000
    assert (told.arms, told.arms_miscounted) == (2 * told.tests_begun, 0)


def test_visitors_see_what_the_release_says(run: Run) -> None:
    home, world, *_ = run
    with open_state(home.database_url) as state:
        by_id = {test.test_id: test for test in experiments.list_tests(state)}
    seen = Warehouse(home.warehouse).read(
        "select experiment_id, variant_id, unit_id from marts.fct_exposures"
    )
    assert seen.height == sum(world.crowd.units.values())
    for test_id, variant_id, unit in seen.head(500).iter_rows():
        test = by_id[test_id]
        index = assign(msgspec.structs.replace(test, status="running"), unit)
        assert index is not None
        assert test.variants[index].variant_id == variant_id


def test_what_was_decided_is_dated_by_the_simulated_clock_and_served(run: Run) -> None:
    home, world, taken, days = run
    shipped = [decision for decision in taken if decision.kind == "ship"]
    assert shipped, "an effect of this size ships within two days"
    assert all(0 <= (d.decided_at - START).days < PLAN.days for d in taken)
    assert all(world.effects[decision.test_id] > 0 for decision in shipped)
    reader = Reader(home.releases, home.keys / "verify.pub")
    manifest = reader.current()
    served = {
        test.test_id: test.winner_variant
        for site_id in manifest.sites
        for test in reader.site(manifest, site_id).tests
    }
    assert all(served[d.test_id] == "change" for d in shipped)
    assert days[-1].release_id == manifest.release_id


def test_a_test_that_ended_teaches_the_next_days(run: Run) -> None:
    home, world, taken, _ = run
    priors = Warehouse(home.warehouse).read(
        "from priors.effect_priors where experiment_id is not null"
    )
    ended_first = {
        d.test_id
        for d in taken
        if d.kind in ("ship", "stop") and (d.decided_at - START).days == 0
    }
    later = [test for test, day in world.begun_on.items() if day == 1]
    learned = dict(priors.select("experiment_id", "prior_tests").iter_rows())
    assert ended_first
    assert all(learned[test] == len(ended_first) for test in later)
    assert all(learned[test] == 0 for test in world.effects if test not in later)


def test_the_report_sets_other_rules_beside_and_calls_it_simulated(
    run: Run, told: TwinReport
) -> None:
    home, *_ = run
    ours = told.rules[OURS]
    assert told.is_simulated
    assert ours.tests == sum(told.decisions.get(k, 0) for k in ("ship", "stop"))
    assert ours.improvement is not None
    assert ours.improvement > 0
    assert {FLAT, UNIFORM} < set(told.rules)
    names = Warehouse(home.warehouse).read("select site_id from raw.sites")["site_id"]
    assert names.str.starts_with("simulated").all()
    assert home.home.name == "simulated"
