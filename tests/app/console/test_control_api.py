"""Steps and the kill switch, through the real control API."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.console import charts
from app.console.control import Control, ControlError
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, Variant
from code24.releases import Reader
from code24.settings import Settings
from code24.state import decisions, experiments, forecasts, open_state, sites
from tests.app.serving import running
from tests.code24.state.test_forecasts import PLAN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHIPPED = Decision(
    decision_id="d-1",
    test_id="t1",
    site_id="shop",
    kind="ship",
    reason="v1 is worth it.",
    variant="v1",
    is_claimed=False,
    evidence={},
    policy={},
    decided_at=NOW,
)


@pytest.fixture
def control_api(settings: Settings) -> Iterator[Settings]:
    _shipped_test(settings)
    with running("platform", settings):
        yield settings


def _shipped_test(settings: Settings) -> None:
    test = Experiment(
        test_id="t1",
        site_id="shop",
        test_type="price",
        goal_type="sales",
        variants=(
            Variant(variant_id="v0", name="As it was"),
            Variant(variant_id="v1", name="Cheaper"),
        ),
        traffic_split=(0.5, 0.5),
    )
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, "shop", "shop.example", "grocery", ("sales",), actor="t", now=NOW
        )
        experiments.create_test(state, test, actor="t", now=NOW)
        experiments.transition(state, "t1", "running", actor="t", now=NOW)
        decisions.record(state, SHIPPED, actor="t")


def test_what_the_console_undoes_is_undone_once(control_api: Settings) -> None:
    control = Control(control_api)
    control.step("t1", "undo")
    with open_state(control_api.database_url) as state:
        assert experiments.get_test(state, "t1").status == "running"
        assert len(decisions.list_decisions(state, "t1")) == 2
    with pytest.raises(ControlError, match=r"409: .*nothing to undo"):
        control.step("t1", "undo")


def test_what_the_console_switches_off_is_in_the_signed_switches(
    control_api: Settings,
) -> None:
    control = Control(control_api)
    reader = Reader(control_api.releases, control_api.keys / "verify.pub")
    control.switch("testId", "t1", is_off=True)
    assert reader.switches().tests_off == ("t1",)
    control.switch("testId", "t1", is_off=False)
    assert reader.switches().tests_off == ()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the path")
def test_the_commands_shown_do_the_same(control_api: Settings) -> None:
    command = Control(control_api).switch_command("testId", "t1", is_off=True)
    done = subprocess.run(
        ["bash", "-c", f"{command} --silent --show-error --fail"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"testsOff":["t1"]' in done.stdout


def test_what_waits_for_a_slot_is_read_and_drawn(control_api: Settings) -> None:
    with open_state(control_api.database_url) as state:
        shipped = experiments.get_test(state, "t1")
        draft = Experiment(
            test_id="t2",
            site_id="shop",
            test_type="price",
            goal_type="sales",
            variants=shipped.variants,
            traffic_split=(0.5, 0.5),
        )
        experiments.create_test(state, draft, actor="t", now=NOW)
        assert charts.queue(Control(control_api).queue("shop").drafts) is None
        for asked in forecasts.due(state, now=NOW):
            forecasts.tell(state, asked, PLAN, now=NOW)
    queue = Control(control_api).queue("shop")
    assert [each.test_id for each in queue.drafts] == ["t2"]
    chart = charts.queue(queue.drafts)
    assert chart is not None
    drawn = chart.to_dict()["datasets"].values()
    assert [[row["Worth"] for row in rows] for rows in drawn] == [[0.001]]
