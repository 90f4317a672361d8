"""A state of its own for each test, with one site."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, Variant
from code24.settings import Settings
from code24.state import State, open_state, sites

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.database_url) as opened:
        sites.add_site(
            opened, "shop", "shop.example", "grocery", ("sales",), actor="t", now=NOW
        )
        yield opened


def experiment(**changes: object) -> Experiment:
    """Return a running test of two variants on ``shop``, with ``changes``."""
    fields: dict[str, object] = {
        "test_id": "hero",
        "site_id": "shop",
        "test_type": "headline",
        "goal_type": "sales",
        "variants": (
            Variant(variant_id="v0", name="as it is"),
            Variant(variant_id="v1", name="shorter", value={"title": "Fresh"}),
        ),
        "traffic_split": (0.5, 0.5),
        "status": "running",
    }
    return Experiment(**(fields | changes))  # type: ignore[arg-type]


def decision(**changes: object) -> Decision:
    """Return a decision to ship ``v1`` of ``hero``, with ``changes``."""
    fields: dict[str, object] = {
        "decision_id": "d-ship",
        "test_id": "hero",
        "site_id": "shop",
        "kind": "ship",
        "reason": "v1 wins by 4%.",
        "variant": "v1",
        "is_claimed": True,
        "evidence": {"confidenceLevel": 0.99, "units": 1000},
        "policy": {"name": "default"},
        "decided_at": NOW,
    }
    return Decision(**(fields | changes))  # type: ignore[arg-type]
