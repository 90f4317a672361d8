"""From analyses to verdicts: keep, stop, ship or hold, each with its reason."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from code24.contracts.decision import DecisionKind
from code24.errors import Code24Error
from models.experiments import wording
from models.experiments.boundaries import with_boundaries
from models.experiments.guardrails import Crossed
from models.experiments.stopping import Terms

Row = dict[str, Any]


class PolicyError(Code24Error):
    """A policy has a value out of its range."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a test ends; shipping and claiming are two questions.

    A variant is shipped on its expected value net of what a change costs, which
    is right on average though many a shipped variant is no better. It is called
    proven only on evidence that stays valid however often one looks.
    """

    cost_of_change: float = 0.005
    """What a change costs over its life (building, upkeep, risk), as a relative lift:
    a variant must be expected to bring more. Higher ships less. 0 to 0.1."""
    cost_of_day: float = 0.00001
    """What a day of testing costs, as a relative lift over the horizon: next to nothing
    while slots are free, so that a test is stopped only where more data can hardly
    change the decision. Where tests compete for a slot it is what the slot would bring
    with another test (``stopping.slot_worth``). Higher stops sooner. 0 to 0.01."""
    longest_days: float = 28.0
    """A test is decided after so many days at the latest: four weeks see each weekday
    four times, and by then waiting has cost a thirteenth of a year. 7 to 180."""
    horizon_days: float = 365.0
    """From a test's start on, how long a shipped change brings what it brings; pages
    are rebuilt about once a year. Longer waits longer. 30 to 1,095."""
    loss_share: float = 0.05
    """Of several variants one is shipped before ``longest_days`` only once the best arm
    is expected to beat it by no more than this share of the prior's sd: what telling
    the variants apart may still bring. Smaller waits longer. 0.01 to 0.25."""
    least_e_value: float = 20.0
    """A win is claimed at this e-value, times the number of variants compared with
    the control: at most 1/20 of tests without a gain ever reach it. 10 to 1,000."""
    least_chance_to_win: float = 0.975
    """A win is claimed only with this posterior chance too. 0.9 to 0.999."""
    greatest_multiple_share: float = 0.05
    """With more units than this seen in several variants, and so left out, those left
    are no longer a fair sample. 0.01 to 0.2."""

    def __post_init__(self) -> None:
        """Reject values out of range."""
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise PolicyError(
                    f"policy {name}={value}: must be from {low:g} to {high:g}"
                )

    def as_dict(self) -> dict[str, float]:
        """Return the policy as plain data for the decision log."""
        return asdict(self)

    def terms(self) -> Terms:
        """Return what deciding is worth."""
        return Terms(
            self.cost_of_change, self.cost_of_day, self.longest_days, self.horizon_days
        )


_RANGES = {
    "cost_of_change": (0.0, 0.1),
    "cost_of_day": (0.0, 0.01),
    "longest_days": (7.0, 180.0),
    "horizon_days": (30.0, 1_095.0),
    "loss_share": (0.01, 0.25),
    "least_e_value": (10.0, 1_000.0),
    "least_chance_to_win": (0.9, 0.999),
    "greatest_multiple_share": (0.01, 0.2),
}
DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy makes of one test."""

    experiment_id: str
    site_id: str
    kind: DecisionKind
    reason: str
    """One sentence with the figures it rests on."""
    variant_id: str | None
    """The variant to ship, the control for a stop, none for keep and hold."""
    is_claimed: bool
    """Whether the shipped variant is proven better than the control."""
    confidence: float | None
    """Chance that the variant to ship beats the control, or for a stop that the
    control is best; none where the data gave no estimate."""
    evidence: dict[str, Any]
    """What was known, as plain JSON values rounded to six digits: equal data gives
    equal evidence."""


def decide(
    analyses: pl.DataFrame,
    policy: Policy = DEFAULT_POLICY,
    ending: Collection[str] = (),
    crossed: Mapping[str, Crossed] | None = None,
) -> tuple[Verdict, ...]:
    """Return one verdict for each test of ``experiments.analyses``.

    A test whose data is not sound is held before anything else is asked of it. One
    that ends now is shipped where that is expected to bring more than a change costs,
    and stopped in every other case: more data is not to come, so waiting has no worth.

    Args:
        analyses: rows of ``experiments.analyses``.
        policy: when a test ends.
        ending: the tests that end now whatever the evidence, by id.
        crossed: the guardrails that tests have crossed, by id (``guardrails``). Such a
            test is stopped, whatever else holds, unless another variant is shipped.
    """
    told = _with_last_look(with_boundaries(analyses, policy.terms()), policy, ending)
    rows = told.sort("experiment_id", "variation_index").iter_rows(named=True)
    tests = groupby(rows, key=itemgetter("experiment_id"))
    harm = crossed or {}
    return tuple(_verdict(list(arms), policy, harm.get(t)) for t, arms in tests)


def _with_last_look(
    told: pl.DataFrame, policy: Policy, ending: Collection[str]
) -> pl.DataFrame:
    """Put both boundaries of the tests that end now where those of the last day are."""
    is_last = pl.col("experiment_id").is_in(list(ending))
    at_cost = pl.lit(policy.cost_of_change)
    bounds = [
        pl.when(is_last & pl.col(name).is_not_null())
        .then(at_cost)
        .otherwise(name)
        .alias(name)
        for name in ("ship_from", "stop_up_to")
    ]
    return told.with_columns(*bounds, is_last.alias("is_last"))


def is_claimed(variant: Row, comparisons: int, policy: Policy = DEFAULT_POLICY) -> bool:
    """Say whether a variant is proven better than its control.

    The e-value must exceed its threshold times the number of comparisons
    (Bonferroni), so that a test of many variants claims no more by accident.
    """
    e, chance = variant["e_value"], variant["chance_to_win"]
    if e is None or chance is None:
        return False
    is_valid: bool = e >= policy.least_e_value * comparisons
    return is_valid and chance >= policy.least_chance_to_win


def _verdict(arms: list[Row], policy: Policy, crossed: Crossed | None) -> Verdict:
    kind, chosen, reason, is_proven = _conclude(arms, policy)
    if crossed and not (kind == "ship" and chosen and _is_other(chosen, crossed)):
        kind, chosen, is_proven = "stop", arms[0], False
        reason = wording.rolled_back(crossed)
    if arms[0]["is_last"] and kind in {"keep", "hold"}:
        kind, chosen, reason = "stop", arms[0], wording.ended(reason)
    confidence = _confidence(kind, chosen)
    return Verdict(
        experiment_id=arms[0]["experiment_id"],
        site_id=arms[0]["site_id"],
        kind=kind,
        reason=reason,
        variant_id=chosen["variant_id"] if chosen else None,
        is_claimed=is_proven,
        confidence=confidence,
        evidence={
            **_evidence(arms),
            **({"guardrail": crossed.as_evidence()} if crossed else {}),
            "confidence": confidence,
        },
    )


def _is_other(variant: Row, crossed: Crossed) -> bool:
    return bool(variant["variant_id"] != crossed.variant_id)


def _conclude(
    arms: list[Row], policy: Policy
) -> tuple[DecisionKind, Row | None, str, bool]:
    doubt = _doubt(arms, policy)
    if doubt is not None:
        return "hold", None, doubt, False
    active = [arm for arm in arms if arm["effect"] is not None]
    if not active[0]["is_enough_data"]:
        return "keep", None, wording.too_little(active), False
    control, *variants = active
    leading = max(variants, key=itemgetter("lift"))
    if _is_worth_shipping(leading, len(variants), policy):
        is_proven = is_claimed(leading, len(variants), policy)
        return "ship", leading, wording.shipped(leading, is_proven), is_proven
    if all(each["lift"] <= each["stop_up_to"] for each in variants):
        reason = wording.stopped(control, leading, policy.cost_of_change)
        return "stop", control, reason, False
    return "keep", None, wording.undecided(leading, policy.longest_days), False


def _doubt(arms: list[Row], policy: Policy) -> str | None:
    """Return why nothing may be concluded from the data, if so."""
    first = arms[0]
    if first["problem"] is not None:
        return str(first["problem"])
    if first["is_srm"]:
        return wording.sample_ratio(arms)
    if first["multiple_share"] > policy.greatest_multiple_share:
        return wording.multiple(first, policy.greatest_multiple_share)
    return None


def _is_worth_shipping(variant: Row, variants: int, policy: Policy) -> bool:
    if not variant["lift"] >= variant["ship_from"]:
        return False
    is_last = variant["is_last"] or variant["age_days"] >= policy.longest_days
    limit = policy.loss_share * float(variant["prior_sd"])
    return variants == 1 or is_last or bool(variant["expected_loss"] <= limit)


def _confidence(kind: DecisionKind, chosen: Row | None) -> float | None:
    if chosen is None:
        return None
    chance = chosen["chance_to_win" if kind == "ship" else "chance_best"]
    return None if chance is None else float(_plain(chance))


_TEST_EVIDENCE = (
    "metric",
    "metric_kind",
    "srm_p",
    "srm_e_value",
    "srm_level",
    "units_multiple",
    "multiple_share",
    "is_enough_data",
    "age_days",
    "problem",
    "prior_mean",
    "prior_sd",
    "prior_null",
    "prior_shift",
    "prior_correlation",
    "prior_weights",
    "prior_tests",
    "prior_before",
    "prior_group",
)
_ARM_EVIDENCE = (
    "variant_id",
    "weight",
    "units",
    "conversions",
    "rate",
    "raw_lift",
    "effect",
    "effect_sd",
    "lift",
    "lift_low",
    "lift_high",
    "chance_to_win",
    "chance_best",
    "chance_of_effect",
    "expected_loss",
    "e_value",
    "surprise_p",
    "is_suspicious",
    "observed_sd",
    "ship_from",
    "stop_up_to",
)


def _evidence(arms: list[Row]) -> dict[str, Any]:
    facts = dict(_plain_items(arms[0], _TEST_EVIDENCE))
    if arms[0]["is_last"]:
        facts["isPlannedEnd"] = True
    return {**facts, "variants": [dict(_plain_items(a, _ARM_EVIDENCE)) for a in arms]}


def _plain_items(row: Row, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    return ((name, _plain(row[name])) for name in names)


def _plain(value: Any) -> Any:
    """Return a JSON value; floats at six digits, so that no last bit shows."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
