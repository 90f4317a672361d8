"""What another way of sharing out visitors would have brought, from logs of this one.

Each logged visitor has the arm shown, what came of it, and the propensity: the chance
that the arm was shown, as planned before. Three estimates of a target policy's mean
outcome (Dudik, Langford & Li 2011; Swaminathan & Joachims 2015):

* inverse propensity (IPS): unbiased, noisy where target and log differ;
* self-normalised (SNIPS): a little biased, steadier; exact for a constant outcome;
* doubly robust (DR): a model's prediction, corrected by IPS on what it leaves over.

An estimate is refused, not made up, where the log never tried what the target does, or
where so few visitors carry it that its interval means nothing.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from code24.errors import Code24Error
from models.experiments.arms import Floats, Integers
from models.experiments.special import normal_quantile

Method = Literal["ips", "snips", "dr"]
LEAST_EFFECTIVE = 100.0
"""Effective visitors that an estimate needs; the normal interval fails with fewer.
30 to 10,000."""
LEAST_SHARE = 0.01
"""Of all logged visitors that must be effective. 0.001 to 0.5."""
INTERVAL = 0.9


class OffPolicyError(Code24Error):
    """A log cannot be used, or does not support the target policy."""


@dataclass(frozen=True, slots=True)
class Log:
    """What was logged: arrays of one entry a record."""

    arm: Integers
    """Index of the arm shown, from 0."""
    outcome: Floats
    propensity: Floats
    """(records, arms): chance of each arm when this record's was drawn."""
    count: Floats
    """How many visitors the record stands for."""

    def __post_init__(self) -> None:
        """Reject what no log can hold."""
        if not len(self.arm) or self.count.sum() <= 0:
            raise OffPolicyError("off-policy evaluation: the log is empty")
        if not np.isfinite(self.outcome).all() or (self.count < 0).any():
            raise OffPolicyError(
                "off-policy evaluation: outcomes must be numbers, counts not negative"
            )
        off = np.abs(self.propensity.sum(axis=1) - 1.0).max()
        if (self.propensity < 0).any() or off > 1e-3:
            raise OffPolicyError(
                "off-policy evaluation: propensities must be shares that sum to 1"
            )
        shown = self.propensity[np.arange(len(self.arm)), self.arm]
        impossible = (shown <= 0) & (self.count > 0)
        if impossible.any():
            raise OffPolicyError(
                f"off-policy evaluation: arm {int(self.arm[impossible][0])} was shown "
                "with a propensity of 0: the log is not that of its policy"
            )


class Estimate(NamedTuple):
    """The mean outcome of a target policy."""

    method: Method
    value: float
    low: float
    """90% interval."""
    high: float
    effective: float
    """Visitors that carry it: (Σw)² / Σw²."""


def evaluate(
    log: Log,
    target: Floats,
    method: Method = "snips",
    predicted: Floats | None = None,
) -> Estimate:
    """Return the mean outcome that a target policy would have had on these visitors.

    Args:
        log: what was logged.
        target: (arms,) or (records, arms): the policy's chance of each arm.
        method: which estimate.
        predicted: (arms,) or (records, arms): a model's outcome of each arm, for
            ``dr``; it must not be fitted to the record itself.

    Raises:
        OffPolicyError: the target is no policy, does what the log never tried, or too
            few visitors carry the estimate.
    """
    wanted = np.broadcast_to(np.asarray(target, float), log.propensity.shape)
    _refuse_unsupported(log, wanted)
    rows = np.arange(len(log.arm))
    weight = wanted[rows, log.arm] / np.where(
        log.count > 0, log.propensity[rows, log.arm], 1.0
    )
    total = log.count.sum()
    effective = _effective(log, weight)
    if effective < max(LEAST_EFFECTIVE, LEAST_SHARE * total):
        raise OffPolicyError(
            f"off-policy evaluation: {effective:,.0f} of {total:,.0f} visitors carry "
            f"the estimate, at least {max(LEAST_EFFECTIVE, LEAST_SHARE * total):,.0f} "
            "must: the target differs too much from what was shown; gather data under "
            "shares between the two first"
        )
    value, spread = _METHODS[method](log, wanted, weight, predicted)
    half = normal_quantile(0.5 + INTERVAL / 2.0) * spread
    return Estimate(method, value, value - half, value + half, effective)


def _refuse_unsupported(log: Log, wanted: Floats) -> None:
    off = np.abs(wanted.sum(axis=1) - 1.0).max()
    if (wanted < 0).any() or off > 1e-3:
        raise OffPolicyError(
            "off-policy evaluation: the target must be shares that sum to 1"
        )
    untried = (wanted > 0) & (log.propensity <= 0) & (log.count > 0)[:, None]
    if untried.any():
        raise OffPolicyError(
            "off-policy evaluation: the target shows arm "
            f"{int(untried.any(0).argmax())} where the log never could: nothing is "
            "known of it there; give it a share first"
        )


def _effective(log: Log, weight: Floats) -> float:
    square = float((log.count * np.square(weight)).sum())
    return float((log.count * weight).sum()) ** 2 / square if square > 0 else 0.0


def _ips(
    log: Log, _wanted: Floats, weight: Floats, _predicted: Floats | None
) -> tuple[float, float]:
    return _mean(weight * log.outcome, log.count)


def _snips(
    log: Log, _wanted: Floats, weight: Floats, _predicted: Floats | None
) -> tuple[float, float]:
    total = float((log.count * weight).sum())
    value = float((log.count * weight * log.outcome).sum()) / total
    left = np.square(weight * (log.outcome - value))
    return value, float(np.sqrt((log.count * left).sum())) / total


def _doubly_robust(
    log: Log, wanted: Floats, weight: Floats, predicted: Floats | None
) -> tuple[float, float]:
    if predicted is None:
        raise OffPolicyError("off-policy evaluation: dr needs a model's predictions")
    told = np.broadcast_to(np.asarray(predicted, float), wanted.shape)
    own = told[np.arange(len(log.arm)), log.arm]
    return _mean((wanted * told).sum(axis=1) + weight * (log.outcome - own), log.count)


def _mean(values: Floats, count: Floats) -> tuple[float, float]:
    """Return mean and standard error of values that stand for many visitors."""
    total = float(count.sum())
    mean = float((count * values).sum()) / total
    variance = float((count * np.square(values - mean)).sum()) / max(total - 1.0, 1.0)
    return mean, float(np.sqrt(variance / total))


_METHODS = {"ips": _ips, "snips": _snips, "dr": _doubly_robust}


def of_counts(units: Floats, conversions: Floats, propensity: Floats) -> Log:
    """Return the log that the counts of periods and arms stand for.

    Args:
        units: (periods, arms).
        conversions: (periods, arms).
        propensity: (periods, arms).
    """
    periods, arms = units.shape
    arm = np.tile(np.arange(arms), periods)
    reached = conversions.ravel()
    shares = np.repeat(propensity, arms, axis=0)
    return Log(
        arm=np.concatenate([arm, arm]),
        outcome=np.repeat([1.0, 0.0], len(arm)),
        propensity=np.concatenate([shares, shares]),
        count=np.concatenate([reached, units.ravel() - reached]).astype(float),
    )
