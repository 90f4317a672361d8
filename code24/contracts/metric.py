"""What a test is judged by: its goal metric, and those watched beside it."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from code24.contracts.wire import Contract, GoalType, Slug

MetricKind = Literal["conversion", "value", "count", "ratio", "quantile", "retention"]
MetricRole = Literal["goal", "secondary", "guardrail"]
MeasureName = Literal["conversions", "value", "page_views"]

ADJUSTABLE: frozenset[MetricKind] = frozenset({"value", "count"})
"""The kinds that can be adjusted by what units did before: plain means."""
CAPPABLE: frozenset[MetricKind] = frozenset({"value", "count", "ratio"})
"""The kinds whose figure a few units could carry alone."""
MEASURES: dict[MetricKind, MeasureName] = {
    "conversion": "conversions",
    "value": "value",
    "count": "conversions",
    "ratio": "value",
    "quantile": "value",
    "retention": "page_views",
}
"""What each kind measures where the metric does not say."""


class Measure(Contract, frozen=True, kw_only=True):
    """What is added up of a unit from its first exposure on."""

    of: MeasureName
    goal_type: GoalType | None = None
    """Whose conversions or value; the test's own goal where absent."""

    def __post_init__(self) -> None:
        """Reject page views of a goal."""
        if self.of == "page_views" and self.goal_type is not None:
            raise ValueError("measure page_views: has no goalType")


class Metric(Contract, frozen=True, kw_only=True):
    """One figure by which the variants of a test are compared, as a ratio.

    ``conversion``: share of units with any; ``value`` and ``count``: sum per unit;
    ``ratio``: sum of ``measure`` over sum of ``per``; ``quantile``: of the sums of
    the units that have one above 0; ``retention``: share of units with any in the
    day that begins ``day`` days after their first exposure.
    """

    metric_id: Slug
    kind: MetricKind
    role: MetricRole = "secondary"
    measure: Measure | None = None
    """``MEASURES`` of the kind where absent."""
    per: Measure | None = None
    """What a ratio is divided by."""
    is_increase_good: bool = True
    window_hours: Annotated[float, msgspec.Meta(ge=1, le=2_160)] | None = None
    """How long after its first exposure a unit is counted; without end where absent."""
    is_mature_only: bool = True
    """Whether units whose window is not over are kept out: as yet they show less."""
    cap: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None
    """No unit counts for more (money in whole units, not cents)."""
    cap_share: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] | None = None
    """No unit counts for more than this quantile of the units that have something,
    over all variants together (winsorising)."""
    covariate_days: Annotated[int, msgspec.Meta(ge=0, le=90)] = 0
    """Days before the first exposure whose sum predicts the later one (CUPED)."""
    quantile: Annotated[float, msgspec.Meta(ge=0.01, le=0.99)] | None = None
    day: Annotated[int, msgspec.Meta(ge=1, le=90)] | None = None

    def __post_init__(self) -> None:
        """Reject fields that the kind has no use for, or lacks."""
        self._require("per", is_needed=self.kind == "ratio")
        self._require("quantile", is_needed=self.kind == "quantile")
        self._require("day", is_needed=self.kind == "retention")
        if self.kind not in CAPPABLE and (self.cap or self.cap_share):
            raise ValueError(f"{self._who()}: cap and capShare are not for {self.kind}")
        if self.cap and self.cap_share:
            raise ValueError(f"{self._who()}: cap or capShare, not both")
        if self.kind not in ADJUSTABLE and self.covariate_days:
            raise ValueError(f"{self._who()}: covariateDays is not for {self.kind}")
        if self.role == "goal" and not self.is_increase_good:
            raise ValueError(f"{self._who()}: more of the goal metric is better")
        if self.kind == "retention" and self.window_hours is not None:
            raise ValueError(f"{self._who()}: a retention's window is its day")

    @property
    def measured(self) -> Measure:
        """Return what is added up."""
        return self.measure or Measure(of=MEASURES[self.kind])

    @property
    def delay_hours(self) -> float:
        """Return how long after its first exposure a unit begins to be counted."""
        return 24.0 * (self.day or 0)

    @property
    def length_hours(self) -> float | None:
        """Return how long a unit is counted from then on; none: without end."""
        return 24.0 if self.kind == "retention" else self.window_hours

    def is_plain(self, goal_type: GoalType) -> bool:
        """Say whether the statistics that every test has are enough for it."""
        measure = self.measured
        wanted = {"conversion": "conversions", "value": "value"}.get(self.kind)
        is_own = measure.goal_type in {None, goal_type} and measure.of == wanted
        is_cut = self.window_hours or self.cap or self.cap_share or self.covariate_days
        return is_own and not is_cut

    def _require(self, name: str, *, is_needed: bool) -> None:
        if is_needed != (getattr(self, name) is not None):
            verb = "needs" if is_needed else "has no"
            raise ValueError(f"{self._who()}: a {self.kind} {verb} {name}")

    def _who(self) -> str:
        return f"metric {self.metric_id!r}"


CONVERSION = Metric(metric_id="conversion", kind="conversion", role="goal")
REVENUE = Metric(metric_id="revenue", kind="value")


def default_metrics(goal_type: GoalType) -> tuple[Metric, ...]:
    """Return the metrics of a test that declares none.

    Conversions on its goal decide (for traffic a conversion is the click); of sales
    the revenue per visitor is watched beside. Money varies more from visitor to
    visitor, so deciding by it takes longer: a site says so where it wants that.
    """
    return (CONVERSION, REVENUE) if goal_type == "sales" else (CONVERSION,)


def effective_metrics(
    declared: tuple[Metric, ...], goal_type: GoalType
) -> tuple[Metric, ...]:
    """Return what a test is judged by, its goal metric first."""
    metrics = declared or default_metrics(goal_type)
    goal = [metric for metric in metrics if metric.role == "goal"] or [CONVERSION]
    return (*goal, *(metric for metric in metrics if metric.role != "goal"))


def check_metrics(metrics: Iterable[Metric]) -> None:
    """Pass where the metrics can stand together.

    Raises:
        ValueError: two have one id, or are the goal.
    """
    listed = tuple(metrics)
    ids = [metric.metric_id for metric in listed]
    if len(set(ids)) != len(ids):
        raise ValueError(f"a metric id stands twice: {ids}")
    goals = [metric for metric in listed if metric.role == "goal"]
    if len(goals) > 1:
        names = ", ".join(metric.metric_id for metric in goals)
        raise ValueError(f"one metric is the goal, not {len(goals)}: {names}")
    if not goals and CONVERSION.metric_id in ids:
        raise ValueError(
            f"metric {CONVERSION.metric_id!r}: the goal metric has this id where none "
            "is declared"
        )
