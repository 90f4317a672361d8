"""Answers to what was asked of tests' futures: plans, and rules tried out."""

from datetime import datetime

import numpy as np

from code24.contracts.experiment import Experiment
from code24.contracts.forecast import (
    Assumptions,
    Forecast,
    Foreseen,
    Outlook,
    Plan,
    PriorUsed,
    Prospect,
)
from code24.errors import Code24Error
from code24.settings import Settings
from code24.state import State, experiments, forecasts, sites
from models.experiments import planning
from models.experiments.planning import Traffic
from models.experiments.policy import DEFAULT_POLICY
from models.priors.mixture import Prior
from orchestration.evaluation import foresee
from orchestration.planning import believed, seen

WEEKS = (7.0, 14.0, 28.0)


def answer_all(settings: Settings, state: State, *, now: datetime) -> list[Forecast]:
    """Answer what waits, and plan the drafts that have no fresh plan; return those."""
    asked = forecasts.due(state, now=now)
    for each in asked:
        forecasts.tell(state, each, _answer(settings, state, each), now=now)
    return asked


def _answer(settings: Settings, state: State, asked: Forecast) -> Plan | Foreseen | str:
    """Return the answer, or why there is none: another question goes on."""
    test = experiments.get_test(state, asked.test_id)
    try:
        if asked.rule is not None:
            return foresee(settings, test, asked.rule)
        vertical = sites.get_site(state, test.site_id).vertical
        return plan_of(settings, test, vertical, asked.assumptions or Assumptions())
    except Code24Error as error:
        return str(error)


def plan_of(
    settings: Settings, test: Experiment, vertical: str, assumed: Assumptions
) -> Plan:
    """Return what a test can be expected to show, to take and to bring.

    Raises:
        Code24Error: the site has no traffic to plan with, a value is one that no test
            can have, or the warehouse cannot be read.
    """
    prior = believed(settings, test, vertical)
    traffic = _traffic(settings, test, assumed)
    needed = planning.units_needed(traffic.base_rate, assumed.lift) * traffic.arms
    told = planning.outlook(prior, traffic, DEFAULT_POLICY.terms())
    return Plan(
        base_rate=traffic.base_rate,
        daily_units=traffic.daily_units,
        arms=traffic.arms,
        prior=PriorUsed(group=prior.group, tests=prior.tests, sd=prior.sd),
        lift=assumed.lift,
        units_needed=needed,
        days_needed=needed / traffic.daily_units,
        after=_after(prior, traffic),
        outlook=Outlook(**told._asdict()),
    )


def _traffic(settings: Settings, test: Experiment, assumed: Assumptions) -> Traffic:
    rate, daily = assumed.base_rate, assumed.daily_units
    if rate is None or daily is None:
        here = seen(settings, test.site_id, test.goal_type)
        rate = here.rate if rate is None else rate
        daily = here.visitors * _part(test) if daily is None else daily
    return Traffic(rate, daily, assumed.arms or len(test.variants))


def _part(test: Experiment) -> float:
    """Return the share of the site's visitors that take part."""
    taken = test.namespace
    return test.coverage * (1.0 if taken is None else taken.high - taken.low)


def _after(prior: Prior, traffic: Traffic) -> tuple[Prospect, ...]:
    sd = traffic.sd(np.array(WEEKS))
    detectable, assurance = planning.detectable(sd), planning.assurance(prior, sd)
    rows = zip(WEEKS, detectable.tolist(), assurance.tolist(), strict=True)
    return tuple(
        Prospect(days=days, detectable=least, assurance=chance)
        for days, least, chance in rows
    )
