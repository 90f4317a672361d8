"""Telling the collector how far each site was analysed and decided on."""

from datetime import datetime

import dagster as dg
import msgspec

from code24.state import State, analysed, experiments
from orchestration.defs.experiments.assets import ANALYSES, OFFSETS


def note_analysed(
    state: State, instance: dg.DagsterInstance, *, now: datetime
) -> dict[str, int]:
    """Note, for each site that runs a test, up to where the last analysis has read.

    The offsets are those that the analysis itself told with its table, whichever run
    made it and whatever was drained since: what came later is still to be analysed.

    Returns:
        the first record not analysed, by partition of the event log.
    """
    offsets = _offsets(instance)
    tests = experiments.list_tests(state, status="running")
    analysed.record_all(
        state,
        [
            analysed.Analysed(
                site_id=site_id,
                test_id=None,
                partition=partition,
                offset=offset,
                at=now,
            )
            for site_id in sorted({test.site_id for test in tests})
            for partition, offset in offsets.items()
        ],
    )
    return offsets


def _offsets(instance: dg.DagsterInstance) -> dict[str, int]:
    made = instance.get_latest_materialization_event(ANALYSES)
    if made is None or made.asset_materialization is None:
        return {}
    told = made.asset_materialization.metadata[OFFSETS].value
    return msgspec.convert(told, dict[str, int])
