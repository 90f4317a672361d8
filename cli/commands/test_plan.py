"""``code24 test plan``: what a test can show, how long it takes, what it is worth."""

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from cli.output import console, show_fields, show_json, show_table
from code24.contracts.experiment import Experiment
from code24.settings import Settings, load
from code24.state import experiments, open_state, sites

if TYPE_CHECKING:
    from models.experiments.planning import Traffic
    from models.priors.mixture import Prior

WEEKS = (7.0, 14.0, 28.0)


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
    settings = load()
    with open_state(settings.database_url) as state:
        test = experiments.get_test(state, test_id)
        vertical = sites.get_site(state, test.site_id).vertical
    from orchestration import planning as known  # noqa: PLC0415 - loads DuckDB, SciPy

    prior = known.believed(settings, test, vertical)
    told = _plan(_traffic(settings, test, rate, daily, variants), prior, lift)
    if as_json:
        show_json({"testId": test_id, **told})
        return
    _show(test_id, told)


def _traffic(
    settings: Settings,
    test: Experiment,
    rate: float | None,
    daily: float | None,
    variants: int | None,
) -> "Traffic":
    from models.experiments.planning import Traffic  # noqa: PLC0415 - loads SciPy
    from orchestration import planning as known  # noqa: PLC0415 - loads DuckDB

    part = test.coverage
    if test.namespace is not None:
        part *= test.namespace.high - test.namespace.low
    if rate is None or daily is None:
        seen = known.seen(settings, test.site_id, test.goal_type)
        rate = seen.rate if rate is None else rate
        daily = seen.visitors * part if daily is None else daily
    return Traffic(rate, daily, variants or len(test.variants))


def _plan(traffic: "Traffic", prior: "Prior", lift: float) -> dict[str, Any]:
    from models.experiments import planning  # noqa: PLC0415 - loads SciPy
    from models.experiments.policy import DEFAULT_POLICY  # noqa: PLC0415 - the same

    days = np.array(WEEKS)
    sd = traffic.sd(days)
    needed = planning.units_needed(traffic.base_rate, lift)
    return {
        "baseRate": traffic.base_rate,
        "dailyUnits": traffic.daily_units,
        "arms": traffic.arms,
        "prior": {"group": prior.group, "tests": prior.tests, "sd": prior.sd},
        "lift": lift,
        "unitsNeeded": needed * traffic.arms,
        "daysNeeded": needed * traffic.arms / traffic.daily_units,
        "after": [
            {"days": day, "detectable": least, "assurance": chance}
            for day, least, chance in zip(
                WEEKS,
                planning.detectable(sd).tolist(),
                planning.assurance(prior, sd).tolist(),
                strict=True,
            )
        ],
        "outlook": planning.outlook(prior, traffic, DEFAULT_POLICY.terms())._asdict(),
    }


def _show(test_id: str, told: dict[str, Any]) -> None:
    outlook, prior = told["outlook"], told["prior"]
    show_fields(
        {
            "test": test_id,
            "traffic": f"{told['dailyUnits']:,.0f} units a day, {told['arms']} arms",
            "base rate": f"{told['baseRate']:.2%}",
            "prior": f"of {prior['tests']} finished tests ({prior['group']}), effects "
            f"of {prior['sd']:.1%} (sd)",
            f"to show a lift of {told['lift']:.1%}": f"{told['unitsNeeded']:,.0f} "
            f"units, {told['daysNeeded']:,.0f} days (80% power)",
            "expected duration": f"{outlook['days']:.1f} days; nine of ten within "
            f"{outlook['days_90']:.0f}",
            "will ship a variant": f"{outlook['chance_to_ship']:.0%} (of these "
            f"{outlook['chance_of_gain']:.0%} truly better)",
            "gain of running it": f"{outlook['gain']:.3%} of the goal over the "
            f"horizon, against {outlook['without']:.3%} without a test",
            "worth": f"{outlook['worth']:.3%}, {outlook['worth_a_day']:.4%} a day of a "
            "slot",
        }
    )
    show_table(
        ("days", "shows lifts from (80% power)", "chance to show a gain"),
        [
            (
                f"{row['days']:.0f}",
                f"{row['detectable']:.1%}",
                f"{row['assurance']:.0%}",
            )
            for row in told["after"]
        ],
        empty="",
    )
    if outlook["worth"] <= 0:
        console.print("More is lost by the days of this test than it can bring.")
