"""Simulated portfolios of sites, whose changes have effects that are known.

The world: each site belongs to one of four verticals. Of its changes a share does
nothing (Beta(4, 2), two thirds on average); the others have log rate ratios N(0, sd²),
with an sd of the site's own, log-normal around its vertical's. So sites resemble one
another, those of a vertical more so: what partial pooling is made for. Base rates and
visitors are drawn evenly on the log scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.experiments.arms import Floats
from models.simulate.worlds import log_uniform

VERTICALS = ("news", "shop", "leads", "saas")
SITE_SPREAD = 0.5
"""Standard deviation of the logarithm of a site's sd within its vertical."""
PREFIX = "simulated"
"""Every simulated site's and test's id begins with it."""


@dataclass(frozen=True, slots=True)
class Population:
    """What sites there may be."""

    visitors: tuple[int, int] = (1_000, 40_000)
    """Visitors a day, least and most."""
    rates: tuple[float, float] = (0.01, 0.20)
    """Base conversion rates, least and most."""
    sds: tuple[float, ...] = (0.10, 0.05, 0.06, 0.03)
    """The median sd of effects in each of the ``VERTICALS``."""
    nulls: tuple[float, float] = (4.0, 2.0)
    """Beta law of the share of a site's changes that do nothing."""


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A site, and the law of what its changes do."""

    site_id: str
    vertical: str
    visitors: int
    """A day."""
    rate: float
    """Of conversion, before anything is changed."""
    null: float
    """Share of its changes that do nothing."""
    sd: float
    """Standard deviation of the log rate ratios of the others."""


def draw_sites(
    number: int, population: Population, rng: np.random.Generator
) -> list[SimulatedSite]:
    """Draw sites, the verticals in turn."""
    visitors = log_uniform(rng, population.visitors, number)
    rates = log_uniform(rng, population.rates, number)
    nulls = rng.beta(*population.nulls, number)
    spread = np.exp(SITE_SPREAD * rng.standard_normal(number))
    return [
        SimulatedSite(
            site_id=f"{PREFIX}-{index + 1:04d}",
            vertical=VERTICALS[index % len(VERTICALS)],
            visitors=int(visitors[index]),
            rate=float(rates[index]),
            null=float(nulls[index]),
            sd=population.sds[index % len(VERTICALS)] * float(spread[index]),
        )
        for index in range(number)
    ]


def draw_effects(sites: Sequence[SimulatedSite], rng: np.random.Generator) -> Floats:
    """Draw the true log rate ratio of one change of each site."""
    nulls = np.array([site.null for site in sites])
    sds = np.array([site.sd for site in sites])
    effects = sds * rng.standard_normal(len(sites))
    return np.where(rng.random(len(sites)) < nulls, 0.0, effects)
