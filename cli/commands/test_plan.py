"""``code24 test plan``: what a test can show, how long it takes, what it is worth."""

from typing import Annotated

import msgspec
import typer

from cli.output import console, show_fields, show_json, show_table
from code24.contracts.forecast import Assumptions, Plan
from code24.settings import load
from code24.state import experiments, open_state, sites
from code24.state.checked import checked


def plan(
    test_id: Annotated[str, typer.Argument(help="A test, a draft too.")],
    rate: Annotated[
        float | None, typer.Option(help="Control's rate; as the site has it if not.")
    ] = None,
    daily: Annotated[
        float | None, typer.Option(help="Units a day; as the site has them if not.")
    ] = None,
    variants: Annotated[
        int | None, typer.Option(help="Arms, control included; its own if not.")
    ] = None,
    lift: Annotated[
        float, typer.Option(help="Also: the units that show this lift.")
    ] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan a test from what was learned of such tests, and from the site's traffic."""
    assumed = checked(
        Assumptions(base_rate=rate, daily_units=daily, arms=variants, lift=lift)
    )
    settings = load()
    with open_state(settings.database_url) as state:
        test = experiments.get_test(state, test_id)
        vertical = sites.get_site(state, test.site_id).vertical
    from orchestration import forecasting  # noqa: PLC0415 - loads DuckDB, SciPy

    told = forecasting.plan_of(settings, test, vertical, assumed)
    if as_json:
        show_json({"testId": test_id, **msgspec.to_builtins(told)})
        return
    _show(test_id, told)


def _show(test_id: str, told: Plan) -> None:
    outlook, prior = told.outlook, told.prior
    show_fields(
        {
            "test": test_id,
            "traffic": f"{told.daily_units:,.0f} units a day, {told.arms} arms",
            "base rate": f"{told.base_rate:.2%}",
            "prior": f"of {prior.tests} finished tests ({prior.group}), effects "
            f"of {prior.sd:.1%} (sd)",
            f"to show a lift of {told.lift:.1%}": f"{told.units_needed:,.0f} "
            f"units, {told.days_needed:,.0f} days (80% power)",
            "expected duration": f"{outlook.days:.1f} days; nine of ten within "
            f"{outlook.days_90:.0f}",
            "will ship a variant": f"{outlook.chance_to_ship:.0%} (of these "
            f"{outlook.chance_of_gain:.0%} truly better)",
            "gain of running it": f"{outlook.gain:.3%} of the goal over the "
            f"horizon, against {outlook.without:.3%} without a test",
            "worth": f"{outlook.worth:.3%}, {outlook.worth_a_day:.4%} a day of a slot",
        }
    )
    show_table(
        ("days", "shows lifts from (80% power)", "chance to show a gain"),
        [
            (
                f"{row.days:.0f}",
                f"{row.detectable:.1%}",
                f"{row.assurance:.0%}",
            )
            for row in told.after
        ],
        empty="",
    )
    if outlook.worth <= 0:
        console.print("More is lost by the days of this test than it can bring.")
