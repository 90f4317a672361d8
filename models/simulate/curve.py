"""The learning curve: what a test brings where 5, 20, 100, 1,000 sites have learned.

The fast path: days are drawn as sufficient statistics (conversions an arm and day) and
not as visitors; priors, beliefs, boundaries and claims are those that the platform
runs. Sites test side by side in rounds of four weeks. What ended in one round teaches
the next one's prior, by vertical.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from models.experiments.arms import Floats, Integers
from models.priors.mixture import DEFAULT_PRIOR, Prior
from models.priors.pooling import Kind, PriorBook, learn_book
from models.simulate.portfolio import (
    Population,
    SimulatedSite,
    draw_effects,
    draw_sites,
)
from models.simulate.rules import Outcome, chance_to_win, learned, uniform
from models.simulate.tally import Decided, Tally, tally, together
from models.simulate.worlds import DAYS, Looks, counted, daily_orders

START = datetime.fromisoformat("2026-01-01T00:00:00")
ROUND = timedelta(days=DAYS)
LEARNED, DEFAULT = "learned", "default prior"
FLAT, UNIFORM = "flat prior", "uniform"
"""Stop when a flat prior's chance to win leaves 5 to 95%; or share visitors evenly for
four weeks, then ship what counted more."""


NEW_SITES, TESTS_A_SITE = 200, 20
"""What is scored: tests of sites that have taught nothing, the same at every point."""


class Size(NamedTuple):
    """How large a study of one number of sites is."""

    sites: int
    portfolios: int
    """Drawn independently; the more, the smaller the error of the curve."""
    rounds: int = 4
    """Tests that each site has run, one after another, when the curve is read."""


FULL = (Size(5, 16), Size(20, 8), Size(100, 4), Size(1_000, 2))
QUICK = (Size(5, 4), Size(20, 2), Size(100, 1))


class Round(NamedTuple):
    """One test of each site, looked at daily."""

    looks: Looks
    orders: Floats
    """Conversions day by day, (arms, days, tests)."""
    units: Floats
    """Of each arm a day, (tests,)."""


class Point(NamedTuple):
    """What one rule brings to new sites where so many others have taught it."""

    sites: int
    """0 for a rule that learns nothing."""
    past_tests: int
    """Finished tests that the prior was learned from, on average."""
    rule: str
    tally: Tally


class Exam(NamedTuple):
    """The new sites' tests on which all are scored."""

    sites: list[SimulatedSite]
    looks: Looks


def curve(
    sizes: Sequence[Size],
    seed: int,
    population: Population | None = None,
    new_sites: int = NEW_SITES,
) -> Iterator[Point]:
    """Yield the points of the curve, those of the rules that learn nothing first."""
    drawn_from = population or Population()
    rng = np.random.default_rng([seed, 0])
    exam = draw_exam(drawn_from, new_sites, rng)
    for rule, outcome in unlearned(exam.sites, exam.looks, rng).items():
        yield Point(0, 0, rule, tally(decided(exam.looks, outcome)))
    for size in sizes:
        yield point(size, drawn_from, exam, np.random.default_rng([seed, size.sites]))


def draw_exam(population: Population, new_sites: int, rng: np.random.Generator) -> Exam:
    """Draw sites that teach nothing, and tests of theirs."""
    sites = draw_sites(new_sites, population, rng) * TESTS_A_SITE
    return Exam(sites, look(sites, draw_effects(sites, rng), rng).looks)


def point(
    size: Size, population: Population, exam: Exam, rng: np.random.Generator
) -> Point:
    """Let portfolios learn, then decide the exam with what each has learned."""
    parts: list[Decided] = []
    past_tests = 0
    for _ in range(size.portfolios):
        sites = draw_sites(size.sites, population, rng)
        book = learn_book(run_rounds(sites, size.rounds, rng))
        past_tests += book.shared[()].tests
        outcome = decide_learned(exam.sites, exam.looks, book, rng)
        parts.append(decided(exam.looks, outcome))
    mean = past_tests // size.portfolios
    return Point(size.sites, mean, LEARNED, tally(together(parts)))


def run_rounds(
    sites: Sequence[SimulatedSite], rounds: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Let every site run its tests under what was learned so far; return their counts.

    Returns:
        Rows as of ``marts.mart_past_experiment_stats``, every test at its own stop.
    """
    past: list[pl.DataFrame] = []
    for number in range(rounds):
        start = START + number * ROUND
        book = learn_book(pl.concat(past), before=start) if past else None
        seen = look(sites, draw_effects(sites, rng), rng)
        day = decide_learned(sites, seen.looks, book, rng).day
        past.append(_finished(sites, seen, day, number, start))
    return pl.concat(past)


def look(
    sites: Sequence[SimulatedSite], effect: Floats, rng: np.random.Generator
) -> Round:
    """Draw four weeks of one test of each site, half the visitors an arm."""
    rate = np.array([site.rate for site in sites])
    units = np.array([site.visitors // 2 for site in sites])
    orders = daily_orders(rate, units, effect, rng)
    return Round(counted(orders, units, effect), orders, units.astype(np.float64))


def unlearned(
    sites: Sequence[SimulatedSite], looks: Looks, rng: np.random.Generator
) -> dict[str, Outcome]:
    """Decide tests by the rules that learn nothing."""
    return {
        DEFAULT: decide_learned(sites, looks, None, rng),
        FLAT: chance_to_win(looks),
        UNIFORM: uniform(looks),
    }


def decided(looks: Looks, outcome: Outcome) -> Decided:
    """Return what a rule did beside the truth."""
    return Decided(looks.effect, outcome.day + 1, outcome.is_shipped, outcome.lift)


def decide_learned(
    sites: Sequence[SimulatedSite],
    looks: Looks,
    book: PriorBook | None,
    rng: np.random.Generator,
) -> Outcome:
    """Decide each site's test as the platform does; without a book by the default."""
    found = _empty(len(sites))
    for prior, some in _by_prior(sites, book).items():
        part = Looks(*(values[..., some] for values in looks))
        for whole, values in zip(found, learned(part, prior, rng), strict=True):
            whole[some] = values
    return found


def _by_prior(
    sites: Sequence[SimulatedSite], book: PriorBook | None
) -> Mapping[Prior, list[int]]:
    by_prior: dict[Prior, list[int]] = {}
    for index, site in enumerate(sites):
        kind = Kind(site.site_id, site.vertical, "sales", "simulated")
        prior = DEFAULT_PRIOR if book is None else book.of(kind)
        by_prior.setdefault(prior, []).append(index)
    return by_prior


def _empty(tests: int) -> Outcome:
    none, numbers = np.zeros(tests, dtype=np.bool_), np.zeros(tests)
    return Outcome(
        np.zeros(tests, dtype=np.int64), none, none.copy(), numbers, numbers.copy()
    )


def _finished(
    sites: Sequence[SimulatedSite],
    seen: Round,
    day: Integers,
    number: int,
    start: datetime,
) -> pl.DataFrame:
    """Return the counts of both arms of each test on the day it ended."""
    tests = np.arange(len(sites))
    conversions = seen.orders.cumsum(axis=1)[:, day, tests]
    arms = [
        pl.DataFrame(
            {
                "site_id": [site.site_id for site in sites],
                "vertical": [site.vertical for site in sites],
                "goal_type": "sales",
                "test_type": "simulated",
                "experiment_id": [f"{site.site_id}-{number}" for site in sites],
                "variation_index": index,
                "units": (seen.units * (day + 1)).astype(np.int64),
                "conversions": conversions[index].astype(np.int64),
                "ended_at": [start + timedelta(days=int(each) + 1) for each in day],
            }
        ).with_columns(
            pl.col("ended_at").cast(pl.Datetime("us")) - pl.duration(seconds=1)
        )
        for index in range(2)
    ]
    return pl.concat(arms).sort("experiment_id", "variation_index")
