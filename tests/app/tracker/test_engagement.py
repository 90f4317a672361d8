"""How long and how far people read, as the warehouse counts it."""

import pytest
from playwright.sync_api import Page

from code24.contracts.event import Event
from tests.app.tracker.serving import HIDE, SHOW, Shop, hold_clock

pytestmark = pytest.mark.browser

TALL = "<div style='height: 3000px'>Much to read</div>"


def _seconds(events: list[Event]) -> list[int]:
    return [round(event.metadata["engagedMs"] / 1000) for event in events]


def _read(page: Page, seconds: int) -> None:
    """Let time go by with somebody who moves now and then."""
    for _ in range(seconds):
        page.mouse.move(10, 10)
        page.mouse.move(20, 20)
        _wait(page, 1)


def _wait(page: Page, seconds: int) -> None:
    """Let time go by in steps, so that requests are answered in between."""
    for _ in range(seconds):
        page.clock.run_for(1_000)


def test_heartbeats_come_after_five_seconds_then_every_ten(shop: Shop) -> None:
    page = shop.visitor().new_page()
    hold_clock(page)
    page.goto(shop.page(TALL))
    _read(page, 27)
    shop.wait("engagement", 3)
    page.evaluate(HIDE)
    beats = shop.wait("engagement", 4)
    assert _seconds(beats) == [5, 15, 25, 27]
    page_views = {event.metadata["pageViewId"] for event in beats}
    assert page_views == {shop.events("page_view")[0].metadata["pageViewId"]}


def test_time_counts_only_in_sight_of_somebody_active(shop: Shop) -> None:
    page = shop.visitor().new_page()
    hold_clock(page)
    page.goto(shop.page(TALL))
    _read(page, 1)
    _wait(page, 60)  # away from the desk
    _read(page, 2)
    page.evaluate(HIDE)
    _wait(page, 60)
    page.evaluate(SHOW)
    _read(page, 3)
    page.goto(shop.page(name="second"))
    beats = shop.wait("engagement", 5)
    assert _seconds(beats) == [5, 15, 25, 32, 35]


def test_a_glance_is_no_engagement(shop: Shop) -> None:
    page = shop.visitor().new_page()
    hold_clock(page)
    page.goto(shop.page(TALL))
    page.clock.run_for(400)
    page.goto(shop.page(name="second"))
    page.clock.run_for(2_000)
    shop.wait("page_view", 2)
    assert [e for e in shop.events("engagement") if "page.html" in str(e.url)] == []


def test_the_deepest_scroll_is_told_on_leaving(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(TALL))
    page.mouse.move(100, 100)
    page.mouse.wheel(0, 1_200)
    page.wait_for_function("scrollY === 1200")
    page.mouse.wheel(0, -900)
    page.wait_for_function("scrollY === 300")
    page.goto(shop.page(name="second"))
    told = shop.wait("engagement")[-1].metadata
    assert (told["scrollXMax"], told["scrollYMax"]) == (0, 1_200)
    assert (told["viewportWidth"], told["viewportHeight"]) == (800, 600)
    assert told["documentHeight"] >= 3_000


def test_each_view_of_a_single_page_begins_at_the_top(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(TALL))
    page.mouse.move(100, 100)
    page.mouse.wheel(0, 1_500)
    page.wait_for_function("scrollY === 1500")
    page.evaluate("history.pushState({}, '', 'b'); scrollTo(0, 0)")
    first = shop.wait("engagement")[0]
    assert first.metadata["scrollYMax"] == 1_500
    assert str(first.url).endswith("page.html")
    page.wait_for_timeout(1_200)
    page.goto(shop.page(name="second"))
    last = shop.wait("engagement", 2)[1]
    assert str(last.url).endswith("/b")
    assert last.metadata["scrollYMax"] == 0
