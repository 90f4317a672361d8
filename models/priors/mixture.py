"""A prior on log rate ratios: a share of nothing, and normal laws of many widths.

A scale mixture of normals with a spike at zero stands for any symmetric law with one
peak, heavy tails among them (Stephens 2017, "ash"), and keeps every posterior closed.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from code24.errors import Code24Error

GREATEST = 10.0
"""Of a log ratio: no change multiplies a rate by 20,000."""
SCALES = (0.0, *(0.005 * math.sqrt(2.0) ** step for step in range(15)))
"""The standard deviations mixed: none, then .5% to 64%. A finer grid than one of factor
√2 cannot be told apart by data (Stephens 2017); effects beyond 64% are of no use."""
DEFAULT_NULL = 0.6
"""Share of changes that do nothing, before any test has finished: Berman & Van den
Bulte (2022) found about 70% among 2,766 tests of one platform."""
DEFAULT_MEDIAN_SCALE = 0.03
DEFAULT_LOG_SD = 0.8
"""The other scales are log-normal around their median with this spread."""


class PriorError(Code24Error):
    """A prior has a parameter that no prior can have."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of the effects in a test before it has data.

    The true log rate of an arm is the test's own level, on which nothing is assumed,
    plus the arm's deviation. A test has one of the ``scales``, with its weight as the
    chance of it. At scale τ, deviations are independent: those of variants
    N(``shift`` τ, (1 - ``correlation``) τ²), that of the control
    N(0, ``correlation`` τ²). So each log ratio of a variant to its control is
    N(``shift`` τ, τ²), and two ratios of one test have this correlation, because
    they share the control. At scale 0 no arm differs from another.
    """

    scales: tuple[float, ...]
    weights: tuple[float, ...]
    shift: float = 0.0
    """Mean of the effects in units of their scale: above 0 where changes help more
    often than they harm."""
    correlation: float = 0.5
    """0.5: the control is one arm like the others; 0: variants scatter around it."""
    tests: int = 0
    """How many finished tests it was learned from; 0 for the default."""
    before: datetime | None = None
    """Only tests that ended before this (naive UTC) were used; none: no limit."""
    group: str = "all"
    """Whose finished tests: ``all``, or the narrowest group that had enough of them."""

    def __post_init__(self) -> None:
        """Reject parameters that no prior can have."""
        if not self.scales or len(self.scales) != len(self.weights):
            raise PriorError(
                f"prior has {len(self.scales)} scales and {len(self.weights)} weights: "
                "must be as many, and at least one"
            )
        for scale in self.scales:
            if not 0 <= scale <= GREATEST:
                raise PriorError(f"prior scale={scale}: must be from 0 to {GREATEST:g}")
        if not (min(self.weights) >= 0 and abs(sum(self.weights) - 1.0) < 1e-6):
            raise PriorError(
                f"prior weights sum to {sum(self.weights):g}: must be shares that sum "
                "to 1"
            )
        if not -GREATEST <= self.shift <= GREATEST:
            raise PriorError(
                f"prior shift={self.shift}: must be from -{GREATEST:g} to {GREATEST:g}"
            )
        if not 0 <= self.correlation < 1:
            raise PriorError(
                f"prior correlation={self.correlation}: must be from 0 to below 1"
            )

    @property
    def mean(self) -> float:
        """Return the mean of the log ratio."""
        return self.shift * float(np.dot(self.weights, self.scales))

    @property
    def sd(self) -> float:
        """Return the standard deviation of the log ratio."""
        square = (1.0 + self.shift**2) * float(
            np.dot(self.weights, np.square(self.scales))
        )
        return math.sqrt(max(square - self.mean**2, 0.0))

    @property
    def null(self) -> float:
        """Return the weight of scale 0, where no arm differs from another.

        Not the share of changes that do nothing: the smallest scales take some of it.
        """
        at_zero = (w for w, s in zip(self.weights, self.scales, strict=True) if s == 0)
        return float(sum(at_zero))

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
            "prior_null": self.null,
            "prior_shift": self.shift,
            "prior_correlation": self.correlation,
            "prior_scales": list(self.scales),
            "prior_weights": list(self.weights),
            "prior_tests": self.tests,
            "prior_before": self.before,
            "prior_group": self.group,
        }


def from_row(row: dict[str, Any]) -> Prior:
    """Return the prior that ``as_row`` wrote."""
    return Prior(
        scales=tuple(row["prior_scales"]),
        weights=tuple(row["prior_weights"]),
        shift=row["prior_shift"],
        correlation=row["prior_correlation"],
        tests=row["prior_tests"],
        before=row["prior_before"],
        group=row["prior_group"],
    )


def normal(
    mean: float,
    sd: float,
    correlation: float = 0.5,
    *,
    tests: int = 0,
    before: datetime | None = None,
) -> Prior:
    """Return a prior of one scale: N(``mean``, ``sd``²) for each log ratio."""
    if not sd > 0:
        raise PriorError(f"prior sd={sd}: must be above 0")
    return Prior((sd,), (1.0,), mean / sd, correlation, tests, before)


def _default_weights() -> tuple[float, ...]:
    away = [math.log(s / DEFAULT_MEDIAN_SCALE) / DEFAULT_LOG_SD for s in SCALES[1:]]
    density = [math.exp(-0.5 * distance**2) for distance in away]
    share = (1.0 - DEFAULT_NULL) / sum(density)
    return (DEFAULT_NULL, *(share * value for value in density))


DEFAULT_PRIOR = Prior(SCALES, _default_weights())
"""Before any test has finished: most changes do nothing, some move a rate by a few
percent, few by more."""
FLAT_PRIOR = normal(0.0, GREATEST)
"""Nothing is assumed, for comparison: as most dashboards have it."""
