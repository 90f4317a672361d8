"""``code24 test allocation``: how a test's visitors are shared out while it runs."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from cli.output import console, show_fields, show_json
from cli.publishing import publish_now
from code24.contracts.allocation import Allocation, AllocationKind
from code24.contracts.forecast import Foreseen
from code24.errors import Code24Error
from code24.settings import load
from code24.state import allocations, experiments, open_state
from code24.state.checked import checked


def allocation(  # noqa: PLR0913, PLR0917 - a rule has that many properties
    test_id: Annotated[str, typer.Argument(help="The test's id: code24 test list.")],
    kind: Annotated[
        AllocationKind | None, typer.Option(help="fixed, rollout or bandit.")
    ] = None,
    floor: Annotated[
        float | None, typer.Option(help="Least share of each arm of a bandit.")
    ] = None,
    least_units: Annotated[
        int | None, typer.Option(help="Units each arm must have before shares move.")
    ] = None,
    half_life: Annotated[
        float | None, typer.Option(help="Days after which what a bandit saw is halved.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Of a roll-out, such as 0.05,0.25,1.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Tell what it would do and have brought; set nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show by which rule a test's visitors are shared out, or set it."""
    given = {
        "kind": kind,
        "floor": floor,
        "least_units": least_units,
        "half_life_days": half_life,
        "steps": _steps(steps),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    settings, told, published = load(), None, None
    with open_state(settings.database_url) as state:
        test = experiments.get_test(state, test_id)
        before = allocations.get_allocation(state, test_id)
        wanted = allocations.planned(test, before, _changed(before, changes))
        if changes and not dry_run:
            now = datetime.now(UTC)
            allocations.set_allocation(state, wanted, actor="operator", now=now)
    if dry_run:
        from orchestration.evaluation import foresee  # noqa: PLC0415 - loads DuckDB

        told = foresee(settings, test, wanted)
    elif changes:
        published = publish_now(settings, f"allocation of test {test_id}")
    if as_json:
        show_json({"allocation": wanted, "foreseen": told})
        return
    _show(wanted, told)
    if published is not None:
        console.print(published, markup=False)


def _changed(before: Allocation, changes: dict[str, Any]) -> Allocation:
    try:
        return checked(msgspec.structs.replace(before, **changes))
    except ValueError as error:
        raise Code24Error(str(error)) from error


def _steps(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise Code24Error(f"--steps {text!r}: must be numbers with commas") from None


def _show(rule: Allocation, told: Foreseen | None) -> None:
    fields: dict[str, object] = {"test": rule.test_id, "allocation": rule.kind}
    if rule.kind == "bandit":
        fields["floor"] = f"{rule.floor:.1%} for each arm"
        fields["half-life"] = f"{rule.half_life_days:g} days"
    if rule.kind == "rollout":
        fields["steps"] = ", ".join(f"{step * rule.target:.1%}" for step in rule.steps)
    if rule.kind != "fixed":
        fields["moves from"] = f"{rule.least_units:,} units in each arm"
    show_fields(fields if told is None else fields | _foreseen(told))


def _foreseen(told: Foreseen) -> dict[str, object]:
    fields: dict[str, object] = {
        "shares it would set": ", ".join(f"{share:.1%}" for share in told.weights),
        "coverage it would set": f"{told.coverage:.1%}",
    }
    for name, found in (("as it is", told.before), ("then", told.after)):
        if found is not None:
            fields[f"conversions a visitor, {name}"] = (
                f"{found.value:.3%} (90% interval {found.low:.3%} to {found.high:.3%}; "
                f"{found.effective:,.0f} effective visitors)"
            )
    if told.refusal is not None:
        fields["no estimate"] = told.refusal
    return fields
