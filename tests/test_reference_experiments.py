"""Two known experiments, through the whole warehouse: import, loop, decision.

Their rows may not be in the repository, so they are read from the reference data.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from cli.importers import run_import
from code24.contracts.decision import Decision
from code24.settings import Settings
from code24.state import decisions, open_state, sites
from orchestration.run import run_loop
from orchestration.warehouse import Warehouse

pytestmark = pytest.mark.reference
Find = Callable[[str], Path]


def test_landing_page_shows_no_difference_once_cleaned(
    settings: Settings, reference_data: Find
) -> None:
    path = reference_data("experiments/ab_landing_page.parquet")
    options = {
        "test": "landing-page",
        "unit": "user_id",
        "variant": "group",
        "variants": "control:old_page,treatment:new_page",
        "seen": "landing_page",
        "converted": "converted",
        "time": "timestamp",
    }
    arms, decision = _decided(settings, path, options)
    assert round(arms["control"]["rate"], 5) == 0.12039
    assert round(arms["treatment"]["rate"], 5) == 0.11881
    assert decision.kind in {"keep", "stop"}
    assert not decision.is_claimed
    assert "no difference shown" in decision.reason.lower()


def test_cookie_cats_is_held_for_its_sample_ratio(
    settings: Settings, reference_data: Find
) -> None:
    path = reference_data("experiments/cookie_cats.parquet")
    options = {
        "test": "cookie-cats",
        "unit": "userid",
        "variant": "version",
        "variants": "gate_30,gate_40",
        "converted": "retention_7",
    }
    arms, decision = _decided(settings, path, options)
    assert arms["gate_30"]["rate"] == pytest.approx(0.1902, abs=5e-5)
    assert arms["gate_40"]["rate"] == pytest.approx(0.1820, abs=5e-5)
    assert arms["gate_30"]["srm_p"] == pytest.approx(0.0086, abs=5e-5)
    assert (decision.kind, decision.variant) == ("hold", None)
    assert "sample ratio" in decision.reason.lower()


def _decided(
    settings: Settings, path: Path, options: Mapping[str, str]
) -> tuple[dict[str, dict[str, float]], Decision]:
    """Import one experiment, run the loop, and return its arms and its decision."""
    with open_state(settings.database_url) as state:
        sites.add_site(
            state,
            "reference",
            "reference.example",
            "general",
            ["traffic"],
            actor="test",
            now=datetime.now(UTC),
        )
    run_import(settings, path, format_name="ab-csv", site="reference", options=options)
    result = run_loop(settings, lambda _: None)
    assert result.failures == ()
    analyses = Warehouse(settings.warehouse).read("from experiments.analyses")
    known = analyses.filter(pl.col("rate").is_not_null())
    with open_state(settings.database_url) as state:
        (decision,) = decisions.list_decisions(state)
    return {arm["variant_id"]: arm for arm in known.iter_rows(named=True)}, decision
