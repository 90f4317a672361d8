"""Every bench; a new one is a module here and a line below."""

from cli.bench import (
    agreement,
    calibration,
    collector,
    dispatcher,
    evaluation,
    event_to_release,
    experiments,
    learning,
    loop,
    many_sites,
    privacy,
    twins,
    warehouse,
)
from cli.bench.figure import Bench


def benches() -> tuple[Bench, ...]:
    """Return every bench, the quick ones first."""
    return (
        learning.HEADLINE_RATIO,
        learning.TRANSFER,
        experiments.TESTS_100K,
        experiments.SPEED,
        calibration.CALIBRATION,
        twins.CURVE,
        agreement.AGREEMENT,
        evaluation.EVALUATION,
        many_sites.MEMORY,
        dispatcher.FAILED_ON_SWAP,
        collector.ACKNOWLEDGED,
        collector.DURABLE,
        warehouse.SCALE,
        event_to_release.EVENT_TO_RELEASE,
        privacy.ERASE_VISITOR,
        twins.TWIN,
        loop.RUN,
    )
