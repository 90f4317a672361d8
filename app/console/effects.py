"""What visitors will see once a step is taken: said before it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.console.control import Step
from app.console.wording import exact_share, moment, plain
from code24.contracts.alarm import Alarm
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.site_policy import SitePolicy
from code24.targeting.telling import EVERYBODY, asked

STEPS: dict[str, tuple[Step, ...]] = {
    "draft": ("start",),
    "running": ("pause", "ship", "stop"),
    "paused": ("start", "ship", "stop"),
    "complete": (),
}
"""What can follow each status; an undo where a decision is in force."""
CHANGES = frozenset({"ship", "stop", "shift"})
"""The kinds of decision that change what visitors see."""


class Standing(NamedTuple):
    """A test as the control API tells it now; the reports may be older."""

    test: Experiment
    decisions: Sequence[Decision]
    """In the order they were taken."""
    policy: SitePolicy


def steps(standing: Standing) -> tuple[Step, ...]:
    """Return the steps that a test can take now."""
    possible = STEPS[standing.test.status]
    is_undoable = in_force(standing.decisions) is not None
    return (*possible, "undo") if is_undoable else possible


def in_force(decisions: Sequence[Decision]) -> Decision | None:
    """Return the last decision that changed something and still holds."""
    undone = {decision.evidence.get("undoes") for decision in decisions}
    holding = (
        decision
        for decision in reversed(decisions)
        if decision.kind in CHANGES and decision.decision_id not in undone
    )
    return next(holding, None)


def of_step(step: Step, standing: Standing, variant: str | None = None) -> str:
    """Say what visitors will see; ``variant`` is the one to ship."""
    test, held_out = standing.test, standing.policy.holdout
    if step == "start":
        return _start(test, held_out) + _asked(test)
    if step == "pause":
        return (
            f"Every visitor sees the control, {_name(test.variants[0])}, until the "
            "test is started again. What was counted is kept."
        )
    if step == "undo":
        return _undo(in_force(standing.decisions))
    return of_decision("ship" if step == "ship" else "stop", test, held_out, variant)


def of_decision(
    kind: str, test: Experiment, held_out: float, variant: str | None
) -> str:
    """Say what visitors will see once a decision is taken."""
    if kind == "ship":
        shipped = next((v for v in test.variants if v.variant_id == variant), None)
        return _ship(shipped, test.variants[0], held_out) + _asked(test)
    if kind == "stop":
        return (
            f"The test ends: every visitor sees the control, {_name(test.variants[0])}."
        )
    if kind == "shift":
        return "Visitors are shared out by the new weights of the evidence."
    return "Visitors see what they saw before."


def of_schedule(
    test: Experiment, starts: datetime | None, ends: datetime | None
) -> str:
    """Say what a schedule does to a test."""
    said = []
    if test.status == "draft":
        begin = "when you start it" if starts is None else f"on {moment(starts)}"
        said.append(f"The draft starts {begin}.")
    if ends is None:
        said.append("It ends when the evidence, or you, decide it.")
    else:
        said.append(
            f"It ends on {moment(ends)} at the latest: the variant that is worth it is "
            "shipped, and otherwise the control stays."
        )
    return " ".join(said)


def of_alarm(alarm: Alarm) -> str:
    """Say why a guardrail has switched a test off, and what follows."""
    return (
        f"Switched off by its guardrail, {moment(alarm.raised_at)}: variant "
        f"**{plain(alarm.variant)}** has surely lost more than "
        f"{exact_share(alarm.tolerated)} of the control's conversions (it is "
        f"{exact_share(alarm.value)} below). Everybody sees the control. The analysis "
        "under way rolls the test back, or switches it on again."
    )


def of_policy(before: SitePolicy, after: SitePolicy) -> str:
    """Say what a change of a site's policy does."""
    said = []
    if after.is_approval_needed != before.is_approval_needed:
        said.append(
            "Decisions to ship, stop or shift wait for you."
            if after.is_approval_needed
            else "Decisions are taken without you; those that wait still wait."
        )
    if after.is_shared != before.is_shared:
        who = "every site's" if after.is_shared else "only this site's"
        said.append(f"Its finished tests inform {who} priors, from the next run on.")
    if after.holdout != before.holdout:
        said.append(_holdout(after.holdout))
    return " ".join(said) or "Nothing is changed yet."


def _start(test: Experiment, held_out: float) -> str:
    parts = zip(test.traffic_split, test.variants, strict=True)
    shares = ", ".join(f"{exact_share(part)} see {_name(one)}" for part, one in parts)
    size = test.coverage
    if test.namespace is not None:
        size *= test.namespace.high - test.namespace.low
    out = f" but the {exact_share(held_out)} held out" if held_out else ""
    if size == 1:
        rest = " The held out see the control." if held_out else ""
        return f"All visitors{out} take part: {shares}.{rest}"
    return (
        f"{exact_share(size)} of visitors{out} take part: of these {shares}. All "
        "others see the control."
    )


def _ship(shipped: Variant | None, control: Variant, held_out: float) -> str:
    what = "a variant that is not known" if shipped is None else _name(shipped)
    if held_out:
        return (
            f"The test ends: every visitor sees {what}, but for the "
            f"{exact_share(held_out)} held out, who see {_name(control)}."
        )
    return f"The test ends: every visitor sees {what}."


def _asked(test: Experiment) -> str:
    """Say to whom alone that applies; nothing where it applies to everybody."""
    whom = asked(test.targeting)
    if whom == EVERYBODY:
        return ""
    return f" That is for those alone whom it asks: {plain(whom)}."


def _undo(decision: Decision | None) -> str:
    if decision is None:
        return "No decision is in force."
    if decision.kind == "shift":
        return "Visitors are shared out by the weights of before."
    return (
        "The test is where it was before it ended: visitors are shared out among its "
        "variants again, or see the control where it was paused. The log keeps both."
    )


def _holdout(held_out: float) -> str:
    if not held_out:
        return (
            "Nobody is held out: all visitors see what was shipped, and what it brings "
            "can be seen no longer."
        )
    return (
        f"{exact_share(held_out)} of visitors are held out of every test and of "
        "everything that was shipped; counting against them begins anew."
    )


def _name(variant: Variant) -> str:
    named = f"**{plain(variant.variant_id)}**"
    if variant.name == variant.variant_id:
        return named
    return f"{named} ({plain(variant.name)})"
