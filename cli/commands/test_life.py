"""``code24 test create|start|pause|stop|ship``: a test's way, by an operator's word."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cli.commands import test_targeting
from cli.output import console, show_json
from cli.publishing import publish_now
from code24.contracts.experiment import Experiment, Namespace, TestStatus, Variant
from code24.errors import Code24Error
from code24.settings import load
from code24.state import State, decisions, experiments, open_state, sites

ACTOR = "operator"

TestId = Annotated[str, typer.Argument(help="The test's id: code24 test list.")]
Why = Annotated[str, typer.Option("--reason", help="Why; the decision log keeps it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def create(  # noqa: PLR0913, PLR0917 - a test has that many properties
    test_id: Annotated[str, typer.Argument(help="Short name: a-z, 0-9, - and _.")],
    site: Annotated[str | None, typer.Option(help="The site it runs on.")] = None,
    kind: Annotated[
        str, typer.Option(help="Kind of change: headline, image, price, layout, …")
    ] = "layout",
    goal: Annotated[
        str | None, typer.Option(help="The goal it is for; the site's main one if not.")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(help="id=name, the control first; once for each variant."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Weights such as 0.8,0.2; equal if not given.")
    ] = None,
    coverage: Annotated[
        float, typer.Option(help="Share of the visitors that take part.")
    ] = 1.0,
    namespace: Annotated[
        str | None,
        typer.Option(help="name=share: tests of one namespace share no visitor."),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            help="Whom it asks, on the visitor's attributes, as JSON: "
            '\'{"country": {"$in": ["DE", "AT"]}}\'.'
        ),
    ] = None,
    sticky: Annotated[
        bool, typer.Option(help="Visitors keep the variant they were given.")
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="id=kind, or id=kind:role (goal, secondary, guardrail), such as "
            "revenue=value:goal; once for each. Kinds that take more: --file."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Its definition as JSON instead: values and changes too."),
    ] = None,
    start: Annotated[bool, typer.Option(help="Let it run at once.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Check it, change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a test, a draft unless it is to start; made before, nothing changes."""
    options = {
        "siteId": site,
        "testType": kind,
        "goalType": goal,
        "variants": variant,
        "trafficSplit": split,
        "coverage": coverage,
        "namespace": namespace,
        "targeting": test_targeting.targeting(condition),
        "stickyBucketing": {} if sticky else None,
        "metrics": [_metric(text) for text in metric or ()],
    }
    settings = load()
    with open_state(settings.database_url) as state:
        fields = _read(file) if file else _from_options(state, options)
        wanted = _definition({**fields, "testId": test_id, "status": "draft"})
        if dry_run:
            experiments.check_test(state, wanted)
        else:
            wanted = _created(state, wanted, start=start)
    is_served = wanted.status == "running" and not dry_run
    told = publish_now(settings, f"test {test_id}") if is_served else None
    if as_json:
        show_json(wanted)
        return
    end = "can be made" if dry_run else f"is there ({wanted.status})"
    console.print(f"Test {test_id} of site {wanted.site_id} {end}.", markup=False)
    if told is not None:
        console.print(told, markup=False)


def start(test_id: TestId) -> None:
    """Start a draft, or let a paused test go on."""
    _move(test_id, "running")


def pause(test_id: TestId) -> None:
    """Pause a test: everybody sees the control until it is started again."""
    _move(test_id, "paused")


def stop(test_id: TestId, reason: Why = "no reason given") -> None:
    """End a test and keep its control; code24 test undo takes it back."""
    _conclude(test_id, None, reason)


def ship(
    test_id: TestId,
    variant: Annotated[str, typer.Argument(help="The variant to keep for everyone.")],
    reason: Why = "no reason given",
) -> None:
    """End a test and show one variant to everybody."""
    _conclude(test_id, variant, reason)


def undo(test_id: TestId) -> None:
    """Bring a test back to where it was before its last decision."""
    settings = load()
    with open_state(settings.database_url) as state:
        decision = decisions.undo_last(state, test_id, actor=ACTOR, now=_now())
        test = experiments.get_test(state, test_id)
    console.print(f"{decision.reason} The test is {test.status}.", markup=False)
    console.print(publish_now(settings, f"undo of test {test_id}"), markup=False)


def _created(state: State, wanted: Experiment, *, start: bool) -> Experiment:
    test = experiments.create_test(state, wanted, actor=ACTOR, now=_now())
    if not start or test.status == "running":
        return test
    return experiments.transition(
        state, test.test_id, "running", actor=ACTOR, now=_now()
    )


def _move(test_id: str, to: TestStatus) -> None:
    settings = load()
    with open_state(settings.database_url) as state:
        test = experiments.transition(state, test_id, to, actor=ACTOR, now=_now())
    console.print(f"Test {test_id} is {test.status}.", markup=False)
    console.print(publish_now(settings, f"test {test_id} {test.status}"), markup=False)


def _conclude(test_id: str, variant: str | None, reason: str) -> None:
    settings = load()
    with open_state(settings.database_url) as state:
        decision = decisions.conclude(
            state, test_id, variant, reason=reason, actor=ACTOR, now=_now()
        )
    console.print(decision.reason, markup=False)
    console.print(
        publish_now(settings, f"decision {decision.decision_id}"), markup=False
    )
    console.print(f"To take it back: code24 test undo {test_id}", markup=False)


def _from_options(state: State, options: dict[str, Any]) -> dict[str, Any]:
    if options["siteId"] is None:
        raise Code24Error("whose test is it? Add --site SITE, or --file FILE")
    variants = [_variant(text) for text in options["variants"] or ()]
    fields = {**options, "variants": variants}
    fields["goalType"] = options["goalType"] or _main_goal(state, options["siteId"])
    fields["trafficSplit"] = _weights(options["trafficSplit"], len(variants))
    fields["namespace"] = _slice(state, options["siteId"], options["namespace"])
    return fields


def _main_goal(state: State, site_id: str) -> str:
    return sites.get_site(state, site_id).goals[0]


def _variant(text: str) -> Variant:
    variant_id, separator, name = text.partition("=")
    if not separator:
        raise Code24Error(f"--variant {text!r}: must be id=name")
    return Variant(variant_id=variant_id, name=name)


def _metric(text: str) -> dict[str, str]:
    metric_id, separator, rest = text.partition("=")
    kind, _, role = rest.partition(":")
    if not separator:
        raise Code24Error(f"--metric {text!r}: must be id=kind or id=kind:role")
    return {"metricId": metric_id, "kind": kind, "role": role or "secondary"}


def _weights(text: str | None, count: int) -> Sequence[float]:
    if text is None:
        return [1 / count] * count if count else []
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise Code24Error(f"--split {text!r}: must be numbers with commas") from None


def _slice(state: State, site_id: str, text: str | None) -> Namespace | None:
    if text is None:
        return None
    name, _, share = text.partition("=")
    try:
        wanted = float(share)
    except ValueError:
        raise Code24Error(f"--namespace {text!r}: must be name=share") from None
    return experiments.free_slice(state, site_id, name, wanted)


def _read(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise Code24Error(f"{file}: holds no definition of a test: {error}") from error


def _definition(fields: dict[str, Any]) -> Experiment:
    try:
        return msgspec.convert(msgspec.to_builtins(fields), Experiment)
    except msgspec.ValidationError as error:
        raise Code24Error(f"the definition: {error}") from error


def _now() -> datetime:
    return datetime.now(UTC)
