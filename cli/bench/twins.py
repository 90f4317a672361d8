"""Twin runs: what the loop does to simulated sites, and how priors learn across them.

Everything here is simulated, and named so.
"""

from dataclasses import replace

from cli.bench.figure import Bench, Figure, over_limit, over_peer
from cli.bench.served import temporary_home
from cli.simulation.home import simulated_home
from cli.simulation.report import OURS, TwinReport, report
from cli.simulation.twin import Plan, run_twin
from code24.settings import Settings
from models.simulate.curve import FLAT, FULL, LEARNED, QUICK, UNIFORM, Point, curve
from models.simulate.portfolio import Population

SEED = 20_261_124
WHOLE = Plan(12, 20, SEED, Population(visitors=(500, 2_000)))
SHORT = Plan(2, 4, SEED, Population(visitors=(500, 1_000)))


def twin(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Run simulated sites the whole way once, each day through the real loop."""
    plan = SHORT if quick else WHOLE
    with temporary_home(settings) as outer:
        home = simulated_home(replace(settings, home=outer.home), None, is_new=False)
        told = report(home, plan, *run_twin(home, plan, lambda _day: None))
    miscounted = told.arms_miscounted + told.events - told.events_drained
    figures = {
        "twins.simulated_miscounted": over_limit(
            [float(miscounted)], "events or variants", 1.0, "limit: fewer than 1"
        )
    }
    return figures | _regret(told)


def _regret(told: TwinReport) -> dict[str, Figure]:
    """Return the platform's regret against uniform traffic, where tests ended."""
    if not told.rules:
        return {}
    ours, uniform = (told.rules[rule].regret for rule in (OURS, UNIFORM))
    what = "uniform, the same tests that ended, simulated"
    return {"twins.simulated_regret": over_peer([ours], [uniform], "of a year", what)}


TWIN = Bench(("twins.simulated_miscounted", "twins.simulated_regret"), twin)


def learning_curve(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Score priors learned from 5 to 1,000 simulated sites on new sites' tests."""
    points = list(curve(QUICK if quick else FULL, SEED))
    flat = next(point for point in points if point.rule == FLAT)
    return {
        f"twins.simulated_regret_{point.sites}_sites": _against(point, flat)
        for point in points
        if point.rule == LEARNED
    }


def _against(point: Point, flat: Point) -> Figure:
    peer = "a flat prior, on the same tests, simulated"
    return over_peer([point.tally.regret], [flat.tally.regret], "of a year", peer)


CURVE = Bench(
    tuple(f"twins.simulated_regret_{size.sites}_sites" for size in FULL),
    learning_curve,
)
