"""What a twin run shows: decisions against the truth, and counts against visitors."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from cli.simulation.twin import PARTITION, Plan, World
from code24.contracts.decision import Decision
from code24.contracts.wire import Contract
from code24.settings import Settings
from code24.state.decisions import ENDS
from models.simulate.curve import decided, look, unlearned
from models.simulate.tally import Decided, Tally, tally
from orchestration.defs.raw.files import read_committed
from orchestration.warehouse import Warehouse

OURS = "platform"
REPEATS = 200
"""How often other visitors are drawn for the rules beside it: it makes their error
small beside that of the platform's own tests, which run once."""


class TwinReport(Contract, frozen=True, kw_only=True):
    """What was simulated, what the platform made of it, and what others would."""

    is_simulated: bool = True
    sites: int
    days: int
    seed: int
    events: int
    events_drained: int
    """Events that the warehouse has; as many as were simulated."""
    arms: int
    arms_miscounted: int
    """Variants whose units or conversions the warehouse counts otherwise; 0."""
    tests_begun: int
    decisions: dict[str, int]
    rules: dict[str, Tally]
    """What the platform brought in the tests that ended, and what other rules bring
    in the same tests with other visitors (drawn as counts); empty where none ended."""


def report(
    home: Settings, plan: Plan, world: World, taken: Sequence[Decision]
) -> TwinReport:
    """Compare what stands in a simulated home with what was true."""
    counts = _counted(home)
    wanted = {
        arm: (units, world.crowd.conversions[arm])
        for arm, units in world.crowd.units.items()
    }
    ended = [decision for decision in taken if decision.kind in ENDS]
    return TwinReport(
        sites=plan.sites,
        days=plan.days,
        seed=plan.seed,
        events=world.crowd.events,
        events_drained=read_committed(home.raw / "events").get(PARTITION, 0),
        arms=len(wanted),
        arms_miscounted=sum(counts.get(arm) != told for arm, told in wanted.items()),
        tests_begun=len(world.effects),
        decisions=dict(Counter(decision.kind for decision in taken)),
        rules=_rules(plan, world, ended) if ended else {},
    )


def _counted(home: Settings) -> dict[tuple[str, int], tuple[int, int]]:
    rows = Warehouse(home.warehouse).read(
        "select experiment_id, variation_index, units, conversions "
        "from marts.mart_experiment_stats where metric = 'conversion'"
    )
    return {(test, index): (units, made) for test, index, units, made in rows.rows()}


def _rules(plan: Plan, world: World, ended: Sequence[Decision]) -> dict[str, Tally]:
    effect = np.array([world.effects[decision.test_id] for decision in ended])
    ours = Decided(
        effect,
        np.array([_days(decision) for decision in ended]),
        np.array([decision.kind == "ship" for decision in ended]),
        np.array([_lift(decision) for decision in ended]),
    )
    rng = np.random.default_rng([plan.seed, 1])
    sites = [world.sites[decision.site_id] for decision in ended] * REPEATS
    looks = look(sites, np.tile(effect, REPEATS), rng).looks
    others = unlearned(sites, looks, rng).items()
    beside = {rule: tally(decided(looks, outcome)) for rule, outcome in others}
    return {OURS: tally(ours), **beside}


def _days(decision: Decision) -> int:
    age: float = decision.evidence["age_days"]
    return max(round(age), 1)


def _lift(decision: Decision) -> float:
    """Return the lift told of the variant; of the change, where the control stays."""
    variants: list[dict[str, Any]] = decision.evidence["variants"]
    return float(variants[1]["lift"])
