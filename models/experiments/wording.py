"""The sentences of verdicts, with the figures they rest on."""

from typing import Any

from models.experiments.guardrails import Crossed

Row = dict[str, Any]


def percent(share: float) -> str:
    """Write a share as a percentage with a sign-aware, short form.

    >>> percent(0.1234), percent(-0.00123), percent(0.0)
    ('12.3%', '-0.12%', '0.00%')
    """
    digits = 1 if abs(share) >= 0.01 else 2
    return f"{share:.{digits}%}"


def lift(variant: Row) -> str:
    """Write the lift of a variant with its interval and chance to win."""
    return (
        f"{percent(variant['lift'])} (interval {percent(variant['lift_low'])} to "
        f"{percent(variant['lift_high'])}, chance to win "
        f"{percent(variant['chance_to_win'])})"
    )


def too_little(arms: list[Row]) -> str:
    """Say which arm has the fewest conversions."""
    least = min(arms, key=lambda arm: arm["conversions"])
    is_plain = least["metric_kind"] == "conversion"
    what = "conversions" if is_plain else f"units with any {least['metric']}"
    return (
        f"Not enough data: variant {least['variant_id']!r} has "
        f"{least['conversions']:,} {what} of {least['units']:,} units."
    )


def figure(row: Row) -> str:
    """Name what the variants of a test are compared by."""
    is_plain = row["metric_kind"] == "conversion"
    return "the rate" if is_plain else f"metric {row['metric']!r}"


def shipped(variant: Row, is_proven: bool) -> str:
    """Say what is expected of the variant shipped, and whether it is proven."""
    proof = "proven" if is_proven else "not proven"
    e = variant["e_value"]
    told = "no e-value" if e is None else f"e-value {e:.3g}"
    return (
        f"Variant {variant['variant_id']!r} is expected to lift "
        f"{figure(variant)} by {lift(variant)}; another arm may be better by "
        f"{percent(variant['expected_loss'])} on expectation; more data could hardly "
        f"add to that; {proof} ({told}).{_doubt(variant)}"
    )


def _doubt(variant: Row) -> str:
    """Warn of a lift that is too good to be true."""
    if not variant["is_suspicious"]:
        return ""
    return (
        f" Before the test so large a lift had a chance of "
        f"{variant['surprise_p']:.1g}: look whether everything is counted right."
    )


def stopped(control: Row, leading: Row, cost: float) -> str:
    """Say why the control stays."""
    who = f"variant {leading['variant_id']!r}"
    if leading["lift_high"] < 0:
        verdict = f"The control is better: the best other, {who}, is at {lift(leading)}"
    elif leading["lift_low"] > 0:
        verdict = f"Too small a gain: {who} is at {lift(leading)}"
    else:
        verdict = f"No difference shown: {who} is at {lift(leading)}"
    return (
        f"{verdict}; a change could gain {percent(control['expected_loss'])} on "
        f"expectation and costs {percent(cost)}, so the control stays."
    )


def rolled_back(crossed: Crossed) -> str:
    """Say which guardrail was crossed, and by what."""
    of = "the goal" if crossed.metric == "goal" else f"metric {crossed.metric!r}"
    allowed = (
        f"more than the {percent(crossed.tolerated)} tolerated"
        if crossed.tolerated
        else "which it is to guard"
    )
    return (
        f"Rolled back: variant {crossed.variant_id!r} has surely lost of {of} "
        f"{allowed} (it is {percent(crossed.lost)} below the control); everybody sees "
        "the control."
    )


def ended(reason: str) -> str:
    """Say that the planned end came before anything could be concluded."""
    return f"The planned end has come and nothing is shown: the control stays. {reason}"


def undecided(leading: Row, longest_days: float) -> str:
    """Say how far the leading variant is, and what would decide."""
    return (
        f"Not decided yet: variant {leading['variant_id']!r} leads with "
        f"{lift(leading)}; on day {leading['age_days']:.1f} of at most "
        f"{longest_days:g} it is worth shipping from {percent(leading['ship_from'])} "
        f"and not worth more waiting up to {percent(leading['stop_up_to'])}; another "
        f"arm may be better by {percent(leading['expected_loss'])} on expectation."
    )


def sample_ratio(arms: list[Row]) -> str:
    """Say how the split differs from the plan."""
    counts = ", ".join(f"{arm['units']:,}" for arm in arms)
    planned = ", ".join(percent(arm["weight"]) for arm in arms)
    level = "is broken" if arms[0]["srm_level"] == "alarm" else "is doubtful"
    return (
        f"The sample ratio {level}: {counts} units against a planned {planned} "
        f"(p = {arms[0]['srm_p']:.2g}); no winner is named before that is explained."
    )


def multiple(first: Row, limit: float) -> str:
    """Say how many units were seen in several variants."""
    return (
        f"{first['units_multiple']:,} units ({percent(first['multiple_share'])}, limit "
        f"{percent(limit)}) were seen in several variants and are left out; the rest "
        "may not be a fair sample."
    )
