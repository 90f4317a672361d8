"""What a browser sends, in the tables that the real dbt makes of it."""

from pathlib import Path

import pytest

from tests.app.collector.serving import logged
from tests.app.tracker.serving import Shop
from tests.dbt_project.warehouse import Warehouse

pytestmark = pytest.mark.browser

TALL = "<h1>Long</h1><button>Press</button><div style='height: 3000px'></div>"
IDLE_MS = 1_500


def test_the_warehouse_reads_what_the_script_sends(shop: Shop, tmp_path: Path) -> None:
    _visit(shop)
    warehouse = Warehouse(tmp_path / "home")
    warehouse.snapshot()
    warehouse.log("live", logged(shop.settings))
    warehouse.dbt("run", "--select", "+fct_page_views +fct_web_vitals +fct_exposures")

    long, second = warehouse.rows(
        "select * from marts.fct_page_views order by started_at"
    )
    assert (long["title"], second["title"]) == ("The page", "The second")
    assert long["session_id"] == second["session_id"]
    assert second["referrer"] == long["url"]
    assert long["vertical_pixels_scrolled"] == 1_200
    assert 50 <= long["vertical_percent_scrolled"] <= 60
    assert (long["engaged_seconds"], second["engaged_seconds"]) == (5, 0)
    vitals = [
        row
        for row in warehouse.rows("select * from marts.fct_web_vitals")
        if row["page_view_id"] == long["page_view_id"]
    ]
    assert {row["metric"] for row in vitals} == {"lcp", "cls", "inp", "fcp", "ttfb"}
    assert {row["page_url"] for row in vitals} == {long["url"]}
    assert all(0 <= row["metric_value"] < 10_000 for row in vitals)
    (shown,) = warehouse.rows("select * from marts.fct_exposures")
    assert (shown["experiment_id"], shown["variant_id"]) == ("hero", "b")
    assert shown["unit_id"] == long["visitor_id"]


def _visit(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(TALL))
    page.click("button")
    page.evaluate("code24('exposure', {experimentId: 'hero', variationId: 'b'})")
    page.mouse.wheel(0, 1_200)
    page.wait_for_function("scrollY === 1200")
    page.wait_for_timeout(IDLE_MS)
    second = shop.page(name="second")
    page.evaluate(f"location.href = '{second}'")
    shop.wait("page_view", 2)
    shop.wait("engagement")
    shop.wait("web_vital", 5)
