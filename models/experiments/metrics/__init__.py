"""The kinds of metrics: each says what the sums of an arm tell.

A new kind is a file here, a line below, and its name in ``code24.contracts.metric``.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from code24.contracts.metric import MetricKind
from models.experiments.metrics import (
    conversion,
    count,
    quantile,
    ratio,
    retention,
    value,
)
from models.experiments.metrics.estimate import Estimate, Sums

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """How a kind of metric is estimated."""

    estimate: Callable[[Sums], Estimate]
    is_counted: bool
    """Whether it is a share of units: then its likelihood is binomial, and counts too
    small for a normal one are taken as what they are."""


KINDS: Mapping[MetricKind, Kind] = {
    "conversion": Kind(conversion.estimate, conversion.IS_COUNTED),
    "value": Kind(value.estimate, value.IS_COUNTED),
    "count": Kind(count.estimate, count.IS_COUNTED),
    "ratio": Kind(ratio.estimate, ratio.IS_COUNTED),
    "quantile": Kind(quantile.estimate, quantile.IS_COUNTED),
    "retention": Kind(retention.estimate, retention.IS_COUNTED),
}
