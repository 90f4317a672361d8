"""A normal prior on log rate ratios, learned from finished tests."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import minimize

from code24.errors import Code24Error
from models.experiments.arms import Arms, Flags, Floats, build
from models.priors.history import naive_utc, screen

LOG_SD_SPREAD = 1.0
"""How far the sd may lie from the default's, as the standard deviation of its natural
logarithm: within a factor of 2.7 either way as a rule, and data overrules it soon. It
does not keep the sd away from 0 where nothing ever worked. Range 0.5 to 2."""
CORRELATION_SPREAD = 0.25
"""The same for the correlation; histories of pairs say nothing of it."""
PSEUDO_TESTS = 5.0
"""How many tests the default's mean counts for. Range 1 to 20."""
LEAST_TESTS = 5
"""With fewer usable tests the default stands unchanged: they would move it by noise
alone. Range 2 to 50."""
SD_RANGE = (0.001, 2.0)
CORRELATION_RANGE = (0.02, 0.95)
"""A learned prior lies within these bounds."""
GREATEST = 10.0
"""Of a log ratio: no change multiplies a rate by 20,000."""


class PriorError(Code24Error):
    """A prior has a parameter that no prior can have."""


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """What is believed of the effects in a test before it has data.

    The true log rate of an arm is the test's own level, on which nothing is
    assumed, plus the arm's deviation. Deviations are independent: those of
    variants N(``mean``, (1 - ``correlation``) ``sd``²), that of the control
    N(0, ``correlation`` ``sd``²). So each log ratio of a variant to its control is
    N(``mean``, ``sd``²), and two ratios of one test have this correlation,
    because they share the control.
    """

    mean: float
    sd: float
    correlation: float = 0.5
    """0.5: the control is one arm like the others; 0: variants scatter around it."""
    tests: int = 0
    """How many finished tests it was learned from; 0 for the default."""
    before: datetime | None = None
    """Only tests that ended before this (naive UTC) were used; none: no limit."""

    def __post_init__(self) -> None:
        """Reject parameters that no prior can have."""
        if not -GREATEST <= self.mean <= GREATEST:
            raise PriorError(
                f"prior mean={self.mean}: must be from -{GREATEST:g} to {GREATEST:g}"
            )
        if not 0 < self.sd <= GREATEST:
            raise PriorError(
                f"prior sd={self.sd}: must be above 0 and at most {GREATEST:g}"
            )
        if not 0 <= self.correlation < 1:
            raise PriorError(
                f"prior correlation={self.correlation}: must be from 0 to below 1"
            )

    def was_known_at(self, moment: datetime | None) -> bool:
        """Say whether nothing later than ``moment`` went into this prior."""
        if self.tests == 0:
            return True
        return self.before is not None and moment is not None and self.before <= moment

    def as_row(self) -> dict[str, Any]:
        """Return the prior as a plain row for tables and evidence."""
        return {
            "prior_mean": self.mean,
            "prior_sd": self.sd,
            "prior_correlation": self.correlation,
            "prior_tests": self.tests,
            "prior_before": self.before,
        }


DEFAULT_PRIOR = NormalPrior(mean=0.0, sd=0.05)
"""Before any test has finished: 90% of changes move a rate by less than 8%. Wider
overstates lifts; narrower needs more data for a real one. Range 0.02 to 0.3."""


def learn(
    past: pl.DataFrame,
    *,
    before: datetime | None = None,
    default: NormalPrior = DEFAULT_PRIOR,
) -> NormalPrior:
    """Learn the prior from all usable finished tests (empirical Bayes).

    Maximises the marginal likelihood of all arms, with each test's level
    integrated out, times a weak belief around ``default``. A test's arms enter
    jointly, so a shared control is counted once.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``; ``screen`` says which
            of its tests are used.
        before: use only tests that ended earlier.
        default: what to believe without tests.
    """
    used = screen(past, before=before).filter(pl.col("reason").is_null())
    return _fit_used(past, used, naive_utc(before), default)


def learn_at(
    past: pl.DataFrame,
    starts: Mapping[str, datetime],
    *,
    default: NormalPrior = DEFAULT_PRIOR,
) -> dict[str, NormalPrior]:
    """Return the prior of each test, frozen as of the day on which it starts.

    The cut-off is midnight UTC before the start, so that tests starting on one day
    share one fit and no test sees a result later than itself.
    """
    days = {test: _midnight(start) for test, start in starts.items()}
    fits = {day: learn(past, before=day, default=default) for day in set(days.values())}
    return {test: fits[day] for test, day in days.items()}


def deviations(
    is_control: Flags, mean: Floats | float, sd: Floats | float, share: Floats | float
) -> tuple[Floats, Floats]:
    """Return prior mean and variance of each arm's deviation from its test's level."""
    center = np.where(is_control, 0.0, mean)
    variance = np.where(is_control, share, 1.0 - np.asarray(share)) * np.square(sd)
    return center, variance


def log_likelihood(arms: Arms, mean: float, sd: float, correlation: float) -> float:
    """Return the log marginal likelihood of the arms, each test's level integrated out.

    Additive constants that do not depend on the prior are left out.
    """
    center, variance = deviations(arms.is_control, mean, sd, correlation)
    precision = 1.0 / (variance + arms.variance)
    total = arms.sums(precision)
    residual = arms.log_rate - center
    level = arms.sums(precision * residual) / total
    square = precision * np.square(residual - level[arms.test])
    return float(0.5 * (np.log(precision).sum() - np.log(total).sum() - square.sum()))


def _fit_used(
    past: pl.DataFrame,
    used: pl.DataFrame,
    before: datetime | None,
    default: NormalPrior,
) -> NormalPrior:
    if used.height < LEAST_TESTS:
        return default
    mean, sd, correlation = _fit(_arms(past, used), default)
    return NormalPrior(mean, sd, correlation, used.height, before)


def _arms(past: pl.DataFrame, used: pl.DataFrame) -> Arms:
    key = ["site_id", "experiment_id"]
    rows = past.join(used.select(key), on=key, how="semi").sort(*key, "variation_index")
    return build(
        rows.select(pl.struct(key).rle_id()).to_series().cast(pl.Int64).to_numpy(),
        (rows["variation_index"] == 0).to_numpy(),
        rows["units"].cast(pl.Float64).to_numpy(),
        rows["conversions"].cast(pl.Float64).to_numpy(),
    )


def _fit(arms: Arms, default: NormalPrior) -> tuple[float, float, float]:
    def objective(point: Floats) -> float:
        mean, sd, correlation = point[0], math.exp(point[1]), point[2]
        belief = _log_hyperprior(mean, sd, correlation, default)
        return -(log_likelihood(arms, mean, sd, correlation) + belief) / arms.tests

    found = minimize(
        objective,
        x0=np.array([default.mean, np.log(default.sd), default.correlation]),
        method="L-BFGS-B",
        bounds=[(-1.0, 1.0), tuple(np.log(SD_RANGE)), CORRELATION_RANGE],
    )
    return float(found.x[0]), math.exp(found.x[1]), float(found.x[2])


def _log_hyperprior(
    mean: float, sd: float, correlation: float, default: NormalPrior
) -> float:
    """Score how well the parameters agree with the default's."""
    pulls = (
        math.log(sd / default.sd) / LOG_SD_SPREAD,
        (correlation - default.correlation) / CORRELATION_SPREAD,
        (mean - default.mean) / sd * math.sqrt(PSEUDO_TESTS),
    )
    return -0.5 * sum(pull**2 for pull in pulls)


def _midnight(moment: datetime) -> datetime:
    naive = naive_utc(moment)
    return naive.replace(hour=0, minute=0, second=0, microsecond=0)
