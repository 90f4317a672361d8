"""A control API of its own, over real HTTP, with one site and one shipped test."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, Variant
from code24.settings import HOST, Settings
from code24.state import State, decisions, experiments, open_state, sites
from tests.app.serving import control_api

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.database_url) as opened:
        sites.add_site(
            opened, "shop", "shop.example", "grocery", ("sales",), actor="t", now=NOW
        )
        experiments.create_test(opened, _experiment(), actor="t", now=NOW)
        decisions.record(opened, _decision(), actor="loop")
        yield opened


@pytest.fixture
def client(settings: Settings, state: State) -> Iterator[httpx.Client]:  # noqa: ARG001
    with control_api(settings), httpx.Client(base_url=_address(settings)) as opened:
        yield opened


@pytest.fixture
def operator(settings: Settings, client: httpx.Client) -> httpx.Client:
    token = (settings.keys / "operator.token").read_text().strip()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _address(settings: Settings) -> str:
    return f"http://{HOST}:{settings.ports.platform}"


def _experiment() -> Experiment:
    return Experiment(
        test_id="hero",
        site_id="shop",
        test_type="headline",
        goal_type="sales",
        variants=(
            Variant(variant_id="v0", name="as it is"),
            Variant(variant_id="v1", name="shorter"),
        ),
        traffic_split=(0.5, 0.5),
        status="running",
    )


def _decision() -> Decision:
    return Decision(
        decision_id="d-ship",
        test_id="hero",
        site_id="shop",
        kind="ship",
        reason="v1 wins by 4%.",
        variant="v1",
        is_claimed=True,
        evidence={"confidenceLevel": 0.99},
        policy={},
        decided_at=NOW,
    )
