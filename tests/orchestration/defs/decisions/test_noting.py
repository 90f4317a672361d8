"""The loop tells how far it analysed: what the analysis read, and no more."""

import dagster as dg

from code24.settings import Settings
from code24.state import analysed, open_state
from orchestration.definitions import build_definitions
from orchestration.defs.raw.drain import drain
from orchestration.instance import open_instance
from orchestration.run import QUIET, run_loop
from tests.orchestration.conftest import Finished
from tests.orchestration.homes import append_events, exposure


def noted(settings: Settings) -> dict[str, int]:
    with open_state(settings.database_url) as state:
        return {each.partition: each.offset for each in analysed.list_analysed(state)}


def test_the_whole_loop_tells_how_far_it_analysed(finished: Finished) -> None:
    assert noted(finished.settings) == {"import": finished.result.events}


def test_what_was_drained_after_the_analysis_is_still_to_be_analysed(
    copied: Settings,
) -> None:
    append_events(
        copied, "live", (exposure("few", "new", f"m{n}", n) for n in range(9))
    )
    drain(copied.log, copied.raw)
    before = noted(copied)
    run_only(copied, dg.AssetKey(["decisions", "decisions"]))
    assert noted(copied) == before
    assert run_loop(copied, lambda _: None).failures == ()
    assert noted(copied) == {**before, "live": 9}


def run_only(settings: Settings, key: dg.AssetKey) -> None:
    """Materialise one asset on what stands."""
    with open_instance(settings) as instance:
        job = build_definitions(settings).resolve_job_def("loop_job")
        result = job.execute_in_process(
            instance=instance, asset_selection=[key], run_config=QUIET
        )
    assert result.success
