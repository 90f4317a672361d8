"""The whole way: simulated sites on the platform itself, day by day.

Each day: sites without a running test begin one, the release is published, visitors are
assigned by what it says, their events pass the collector's contract into the event log,
and the resident worker drains, builds, learns, analyses, decides and publishes. Only
the clock and the visitors are not real.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from cli.simulation.home import SimulationError
from cli.simulation.visitors import GOAL, Crowd, admitted, visits
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Shard
from code24.intake import IntakeLog, encode_outcomes
from code24.publishing import publish
from code24.releases import Reader
from code24.settings import Settings
from code24.state import (
    State,
    decisions,
    experiments,
    jobs,
    open_state,
    requests,
    sites,
)
from models.simulate.portfolio import (
    Population,
    SimulatedSite,
    draw_effects,
    draw_sites,
)
from orchestration.instance import open_instance, prepare
from orchestration.processes import this_process
from orchestration.pulse import Pulse
from orchestration.worker import Worker

START = datetime(2026, 1, 5, tzinfo=UTC)
"""The first simulated day, a Monday; any day would do."""
ACTOR = "simulation"
KIND = "simulated"
"""``test_type`` of every test, so that it is seen wherever a test is shown."""
PARTITION = "simulated"
BATCH = 2_000
"""Visits that are made durable together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be simulated."""

    sites: int
    days: int
    seed: int
    population: Population = field(default_factory=Population)

    def __post_init__(self) -> None:
        """Reject a plan that simulates nothing."""
        for name in ("sites", "days"):
            if getattr(self, name) < 1:
                raise SimulationError(
                    f"{name}={getattr(self, name)}: must be 1 or more"
                )


class Day(NamedTuple):
    """What a day came to."""

    number: int
    events: int
    begun: int
    ended: int
    release_id: str


@dataclass
class World:
    """What is true, and what was simulated of it."""

    sites: dict[str, SimulatedSite]
    effects: dict[str, float] = field(default_factory=dict)
    """The true log rate ratio of every test begun."""
    begun_on: dict[str, int] = field(default_factory=dict)
    crowd: Crowd = field(default_factory=Crowd)


@dataclass
class Clock:
    """The simulated time; decisions are dated by it."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the simulated moment."""
        return self.now


def run_twin(
    home: Settings, plan: Plan, tell: Callable[[Day], None]
) -> tuple[World, list[Decision]]:
    """Simulate every day of a plan in an empty home.

    Returns:
        What was true and simulated, and every decision that the platform took.

    Raises:
        SimulationError: a run of the loop failed.
    """
    clock = Clock()
    settings = replace(home, clock=clock)
    rng = np.random.default_rng([plan.seed, plan.sites])
    drawn = draw_sites(plan.sites, plan.population, rng)
    world = World({site.site_id: site for site in drawn})
    with _opened(settings) as (state, worker):
        _add_sites(state, drawn)
        for number in range(plan.days):
            clock.now = START + timedelta(days=number)
            tell(_day(settings, state, worker, clock, world, number, rng))
        return world, decisions.list_decisions(state)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[State, Callable[[], bool]]]:
    """Give the state, and a round of the worker's."""
    prepare(settings)
    with (
        open_state(settings.database_url) as state,
        open_instance(settings) as instance,
        Pulse(state, this_process()) as pulse,
    ):
        worker = Worker(settings, state, instance)
        yield state, lambda: worker.round(pulse)


def _add_sites(state: State, drawn: Sequence[SimulatedSite]) -> None:
    for site in drawn:
        sites.add_site(
            state,
            site.site_id,
            f"{site.site_id}.example",
            site.vertical,
            [GOAL],
            actor=ACTOR,
            now=START,
        )


def _day(
    settings: Settings,
    state: State,
    work: Callable[[], bool],
    clock: Clock,
    world: World,
    number: int,
    rng: np.random.Generator,
) -> Day:
    begun = _begin_tests(state, world, clock.now, number, rng)
    publish(settings, {"by": ACTOR, "for": f"simulated day {number + 1}"})
    before = world.crowd.events
    _visit(settings, world, clock.now, rng)
    clock.now += timedelta(days=1) - timedelta(seconds=1)
    requests.request(
        state, next(iter(world.sites)), "analysis", "urgent", actor=ACTOR, now=_real()
    )
    _work_off(state, work)
    running = experiments.list_tests(state, status="running")
    release_id = Reader(settings.releases, settings.keys / "verify.pub").current_id()
    ended = len(world.sites) - len(running)
    return Day(number + 1, world.crowd.events - before, begun, ended, release_id)


def _begin_tests(
    state: State, world: World, now: datetime, number: int, rng: np.random.Generator
) -> int:
    """Begin a test on each site that has none; its truth is drawn now."""
    running = {test.site_id for test in experiments.list_tests(state, status="running")}
    idle = [site for site_id, site in world.sites.items() if site_id not in running]
    for site, effect in zip(idle, draw_effects(idle, rng), strict=True):
        test = _test(site.site_id, number)
        experiments.create_test(state, test, actor=ACTOR, now=now)
        world.effects[test.test_id] = float(effect)
        world.begun_on[test.test_id] = number
    return len(idle)


def _test(site_id: str, number: int) -> Experiment:
    variants = (
        Variant(variant_id="control", name="Simulated control"),
        Variant(variant_id="change", name="Simulated change"),
    )
    return Experiment(
        test_id=f"{site_id}-day-{number + 1}",
        site_id=site_id,
        test_type=KIND,
        goal_type=GOAL,
        variants=variants,
        traffic_split=(0.5, 0.5),
        status="running",
    )


def _visit(
    settings: Settings, world: World, day: datetime, rng: np.random.Generator
) -> None:
    """Let the day's visitors of every site come, by the release that is served."""
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    manifest = reader.current()
    with IntakeLog.open(settings.log, PARTITION) as log:
        for site in world.sites.values():
            _visit_site(log, reader.site(manifest, site.site_id), site, world, day, rng)


def _visit_site(
    log: IntakeLog,
    shard: Shard,
    site: SimulatedSite,
    world: World,
    day: datetime,
    rng: np.random.Generator,
) -> None:
    pending = []
    for visit in visits(shard, site.visitors, site.rate, world.effects, day, rng):
        outcomes = admitted(visit, shard)
        world.crowd.note(visit, len(outcomes))
        pending += outcomes
        if len(pending) >= BATCH:
            log.append(encode_outcomes(pending))
            pending.clear()
    log.append(encode_outcomes(pending))


def _work_off(state: State, work: Callable[[], bool]) -> None:
    """Let the worker do all that is asked for, also by what it does."""
    while work():
        pass
    left = [job for job in jobs.list_jobs(state) if job.status != "complete"]
    if left:
        raise SimulationError(
            f"job {left[0].job_type} is {left[0].status}: {left[0].error_message}"
        )


def _real() -> datetime:
    """Return the machine's time: jobs are leased by it."""
    return datetime.now(UTC)
