"""``code24 test``: the A/B tests."""

from typing import Annotated

import typer

from cli.commands import (
    test_allocation,
    test_life,
    test_plan,
    test_schedule,
)
from cli.output import show_fields, show_json, show_table
from code24.contracts.experiment import TestStatus
from code24.contracts.metric import effective_metrics
from code24.settings import load
from code24.state import alarms, decisions, experiments, open_state
from code24.targeting.telling import asked

app = typer.Typer(
    help="The A/B tests.",
    no_args_is_help=True,
    epilog="Example: code24 test list --site upworthy --status running",
)

app.command(
    name="create",
    epilog="Example: code24 test create hero --site shop --kind headline "
    "--variant old='As it is' --variant new='Shorter' --start",
)(test_life.create)
app.command(name="start", epilog="Example: code24 test start hero")(test_life.start)
app.command(name="pause", epilog="Example: code24 test pause hero")(test_life.pause)
app.command(
    name="stop", epilog="Example: code24 test stop hero --reason 'the shop closes'"
)(test_life.stop)
app.command(
    name="ship", epilog="Example: code24 test ship hero new --reason 'ads say so'"
)(test_life.ship)
app.command(
    name="schedule",
    epilog="Example: code24 test schedule hero --start 2026-12-01T08:00 "
    "--end 2026-12-29T08:00",
)(test_schedule.plan_dates)
app.command(
    name="allocation",
    epilog="Example: code24 test allocation hero --kind bandit --floor 0.1 --dry-run",
)(test_allocation.allocation)
app.command(
    name="plan", epilog="Example: code24 test plan hero --daily 5000 --rate 0.04"
)(test_plan.plan)
app.command(name="undo", epilog="Example: code24 test undo hero")(test_life.undo)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list", epilog="Example: code24 test list --site upworthy --json")
def list_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    status: Annotated[
        TestStatus | None, typer.Option(help="Only tests in this status.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tests and what was last decided about each."""
    with open_state(load().database_url) as state:
        tests = experiments.list_tests(state, site_id=site, status=status)
        last = {entry.test_id: entry for entry in decisions.list_decisions(state)}
    if as_json:
        show_json(tests)
        return
    show_table(
        ("test", "site", "kind", "goal", "variants", "status", "last decision"),
        [
            (
                test.test_id,
                test.site_id,
                test.test_type,
                test.goal_type,
                len(test.variants),
                test.status,
                last[test.test_id].kind if test.test_id in last else None,
            )
            for test in tests
        ],
        empty="No tests. The sample data brings twelve: code24 run",
    )


@app.command(name="alarms", epilog="Example: code24 test alarms --site shop --json")
def alarms_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the guardrails that running tests crossed, and what became of each."""
    with open_state(load().database_url) as state:
        found = alarms.list_alarms(state, site)
    if as_json:
        show_json(found)
        return
    show_table(
        ("raised", "site", "test", "variant", "lost", "tolerated", "outcome"),
        [
            (
                f"{alarm.raised_at:%Y-%m-%d %H:%M:%S}",
                alarm.site_id,
                alarm.test_id,
                alarm.variant,
                f"{alarm.value:.1%}",
                f"{alarm.tolerated:.1%}",
                alarm.outcome or "off, being analysed",
            )
            for alarm in found
        ],
        empty="No running test has crossed a guardrail.",
    )


@app.command(name="show", epilog="Example: code24 test show TEST --json")
def show(test_id: str, as_json: AsJson = False) -> None:
    """Show one test: its variants, and every decision with its reason."""
    with open_state(load().database_url) as state:
        test = experiments.get_test(state, test_id)
        log = decisions.list_decisions(state, test_id=test_id)
    if as_json:
        show_json({"test": test, "decisions": log})
        return
    show_fields(
        {
            "test": test.test_id,
            "site": test.site_id,
            "kind": test.test_type,
            "goal": test.goal_type,
            "status": test.status,
            "starts": test.start_date or test.planned_start_date,
            "ends": test.end_date or test.planned_end_date,
            "winner": test.winner_variant,
            "asks": asked(test.targeting),
        }
    )
    show_table(
        ("variant", "share", "name"),
        [
            (variant.variant_id, share, variant.name)
            for variant, share in zip(test.variants, test.traffic_split, strict=True)
        ],
        empty="",
    )
    show_table(
        ("metric", "role", "kind"),
        [
            (metric.metric_id, metric.role, metric.kind)
            for metric in effective_metrics(test.metrics, test.goal_type)
        ],
        empty="",
    )
    show_table(
        ("decided", "kind", "reason"),
        [(f"{d.decided_at:%Y-%m-%d %H:%M}", d.kind, d.reason) for d in log],
        empty="No decision yet: code24 run",
    )
