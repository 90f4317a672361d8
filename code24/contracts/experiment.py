"""A test: its variants, whom it asks, and what became of it."""

from typing import Annotated, Any, Literal

import msgspec

from code24.contracts.change import Change
from code24.contracts.metric import Metric, check_metrics
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.contracts.wire import Contract, GoalType, Identifier, Moment, Slug

TestStatus = Literal["draft", "running", "paused", "complete"]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Variant(Contract, frozen=True, kw_only=True):
    """One way the page may look; the first variant of a test is its control."""

    variant_id: Slug
    name: str
    value: Any = None
    """What a feature flag of this test evaluates to; ``variant_id`` where absent."""
    changes: tuple[Change, ...] = ()


class Namespace(Contract, frozen=True, kw_only=True):
    """A slice of a site's units: tests in disjoint slices of one name share none.

    ``low`` belongs to the slice, ``high`` does not; places are those of hash version 1
    with the seed ``__<name>``, as in the GrowthBook SDKs.
    """

    name: Slug
    low: Share
    high: Share

    def __post_init__(self) -> None:
        """Reject a slice that holds nobody."""
        if self.low >= self.high:
            raise ValueError(
                f"namespace {self.name!r}: low {self.low:g} must be below high "
                f"{self.high:g}"
            )


class Experiment(Contract, frozen=True, kw_only=True):
    """The definition of one test (``ab_tests``)."""

    test_id: Slug
    site_id: Slug
    test_type: Slug
    """The kind of change: headline, image, price, layout, …"""
    goal_type: GoalType
    variants: tuple[Variant, ...]
    traffic_split: tuple[Share, ...]
    status: TestStatus = "draft"
    coverage: Share = 1.0
    hash_version: Literal[1, 2] = 2
    seed: str | None = None
    """The hashing seed; ``test_id`` where absent."""
    namespace: Namespace | None = None
    """The units that may take part; all of them where absent."""
    targeting: Targeting | None = None
    """Whom and where it asks; everybody everywhere where absent."""
    sticky_bucketing: StickyBucketing | None = None
    """How visitors keep their variant; where absent the hash alone says it."""
    planned_start_date: Moment | None = None
    """When a draft starts by itself; absent where somebody or the queue starts it."""
    planned_end_date: Moment | None = None
    """When it ends whatever the evidence; absent where only evidence ends it."""
    start_date: Moment | None = None
    end_date: Moment | None = None
    winner_variant: Slug | None = None
    metrics: Annotated[tuple[Metric, ...], msgspec.Meta(max_length=50)] = ()
    """What it is judged by; the defaults of its goal where none is declared."""

    def __post_init__(self) -> None:
        """Reject a definition that cannot be assigned or analysed."""
        ids = [variant.variant_id for variant in self.variants]
        if len(ids) < 2:
            raise ValueError(f"test {self.test_id!r}: variants must be two or more")
        if len(set(ids)) != len(ids):
            raise ValueError(f"test {self.test_id!r}: a variant id stands twice: {ids}")
        if len(self.traffic_split) != len(ids):
            raise ValueError(
                f"test {self.test_id!r}: trafficSplit has {len(self.traffic_split)} "
                f"weights for {len(ids)} variants"
            )
        if abs(sum(self.traffic_split) - 1.0) > 1e-6:
            raise ValueError(
                f"test {self.test_id!r}: trafficSplit sums to "
                f"{sum(self.traffic_split):.6g}, not 1"
            )
        starts, ends = self.planned_start_date, self.planned_end_date
        if starts is not None and ends is not None and ends <= starts:
            raise ValueError(
                f"test {self.test_id!r}: plannedEndDate {ends.isoformat()} must be "
                f"after plannedStartDate {starts.isoformat()}"
            )
        if self.winner_variant is not None and self.winner_variant not in ids:
            raise ValueError(
                f"test {self.test_id!r}: winnerVariant {self.winner_variant!r} "
                f"is none of its variants {ids}"
            )
        try:
            check_metrics(self.metrics)
            self._check_addresses()
        except ValueError as error:
            raise ValueError(f"test {self.test_id!r}: {error}") from error

    def _check_addresses(self) -> None:
        """Reject patterns of addresses that no client could heed."""
        if self.targeting is None or not self.targeting.url_patterns:
            return
        changes = [change for variant in self.variants for change in variant.changes]
        if not changes:
            raise ValueError(
                "urlPatterns are for changes of pages; target a flag by a condition "
                "on an attribute such as url"
            )
        if any(change.match.path != "*" for change in changes):
            raise ValueError(
                "urlPatterns say where its changes apply: match.path must be * then"
            )


class PastVariant(Contract, frozen=True, kw_only=True):
    """The counts of one variant of a finished test."""

    variant_id: Identifier
    units: Annotated[int, msgspec.Meta(ge=0)]
    conversions: Annotated[int, msgspec.Meta(ge=0)]


class PastExperiment(Contract, frozen=True, kw_only=True):
    """A finished test that a site brings along; its counts inform the priors."""

    site_id: Slug
    experiment_id: Identifier
    test_type: Slug
    goal_type: GoalType
    ended_at: Moment
    source: str
    variants: tuple[PastVariant, ...]

    def __post_init__(self) -> None:
        """Reject counts that no test can have."""
        if len(self.variants) < 2:
            raise ValueError(
                f"past experiment {self.experiment_id!r}: variants must be two or more"
            )
        for variant in self.variants:
            if variant.conversions > variant.units:
                raise ValueError(
                    f"past experiment {self.experiment_id!r}, variant "
                    f"{variant.variant_id!r}: {variant.conversions} conversions of "
                    f"{variant.units} units"
                )
