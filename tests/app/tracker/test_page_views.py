"""Page views: loaded, through the history, by fragment, restored, made ready ahead."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.app.conftest import FLAGS
from tests.app.tracker.serving import HIDE, SHOW, Shop

pytestmark = pytest.mark.browser


def test_a_loaded_page_is_one_view_with_its_sizes(shop: Shop) -> None:
    address = shop.page("<div style='height: 2000px; width: 900px'></div>")
    other = shop.page(f"<a href='{address}'>go</a>", name="other")
    page = shop.visitor().new_page()
    page.goto(f"{other}?utm_source=letter#part")
    page.click("a")
    first, second = shop.wait("page_view", 2)
    assert first.url == f"{other}?utm_source=letter"
    assert first.referrer is None
    assert second.url == address
    assert second.referrer == f"{other}?utm_source=letter"
    told = second.metadata
    assert told["title"] == "The page"
    assert (told["viewportWidth"], told["viewportHeight"]) == (800, 600)
    assert told["documentHeight"] >= 2000
    assert told["documentWidth"] >= 900
    assert (told["scrollXMax"], told["scrollYMax"]) == (0, 0)
    assert told["pageViewId"] != first.metadata["pageViewId"]
    assert first.sent_at is not None
    assert first.sent_at >= first.timestamp


def test_query_parameters_can_be_kept_in_the_browser(shop: Shop) -> None:
    address = shop.page(attributes="data-strip='token, email'")
    shop.visitor().new_page().goto(f"{address}?a=1&email=x%40y.example&token=s3cret")
    assert shop.wait("page_view")[0].url == f"{address}?a=1"


def _paths(shop: Shop) -> list[str]:
    """Return the paths of all page views once the event "end" has come."""
    shop.wait("end")
    base = f"{shop.origin}/{shop.site.site_id}/"
    return [str(view.url).removeprefix(base) for view in shop.events("page_view")]


def _go(page: Page, script: str) -> None:
    """Run a script of the page and let what it put off happen."""
    page.evaluate(f"{script}; new Promise((done) => setTimeout(done, 50))")


def test_each_address_of_a_single_page_is_one_view(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    _go(page, "history.replaceState({}, '', location.href)")
    _go(page, "history.pushState({}, '', 'b')")
    _go(page, "history.pushState({}, '', 'b')")
    _go(page, "history.pushState({}, '', 'c'); history.replaceState({}, '', 'd')")
    _go(page, "history.replaceState({}, '', 'e#part'); document.title = 'Late'")
    _go(page, "location.hash = 'other'")
    _go(page, "history.go(-2)")
    page.evaluate("code24('event', 'end')")
    assert _paths(shop) == ["page.html", "b", "d", "e", "b"]
    views = shop.events("page_view")
    assert views[3].metadata["title"] == "Late"
    assert [view.referrer for view in views[1:]] == [view.url for view in views[:-1]]
    assert len({view.metadata["pageViewId"] for view in views}) == 5
    assert (
        shop.events("end")[0].metadata["pageViewId"]
        == (views[4].metadata["pageViewId"])
    )


def test_fragments_are_pages_where_the_tag_says_so(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(attributes="data-hash") + "#/start")
    _go(page, "location.hash = '/cart'")
    _go(page, "history.pushState({}, '', '#/cart')")
    _go(page, "history.back(); code24('event', 'end')")
    assert _paths(shop) == ["page.html#/start", "page.html#/cart"]


def test_the_pages_own_history_functions_still_work(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    page.evaluate("history.pushState({ step: 2 }, '', '?step=2')")
    assert page.evaluate("history.state") == {"step": 2}
    assert page.url.endswith("?step=2")
    refused = """() => {
      try { history.pushState({}, '', 'https://elsewhere.example/') }
      catch (error) { return error.name }
    }"""
    assert page.evaluate(refused) == "SecurityError"


def test_a_page_from_the_back_forward_cache_is_a_new_view(shop: Shop) -> None:
    first = shop.page("<script>window.kept = Math.random()</script>")
    second = shop.page(name="second")
    page = shop.visitor().new_page()
    page.goto(first)
    kept = page.evaluate("window.kept")
    page.evaluate(f"setTimeout(() => {{ location.href = '{second}' }}, 0)")
    page.wait_for_url(second)
    page.evaluate("setTimeout(() => history.back(), 0)")
    page.wait_for_url(first, wait_until="commit")
    assert page.evaluate("window.kept") == kept
    page.evaluate("code24('event', 'end')")
    assert _paths(shop) == ["page.html", "second.html", "page.html"]
    before, _, restored = shop.events("page_view")
    assert restored.metadata["pageViewId"] != before.metadata["pageViewId"]
    assert restored.referrer is None
    assert (
        shop.events("end")[0].metadata["pageViewId"]
        == (restored.metadata["pageViewId"])
    )


def test_a_page_made_ready_ahead_is_a_view_only_when_shown(
    shop: Shop, tmp_path: Path
) -> None:
    ahead = shop.page(
        """<script>document.addEventListener("prerenderingchange", () => {
          setTimeout(() => code24("event", "activated"), 0);
        })</script>""",
        name="ahead",
    )
    first = shop.page(f"""<script type="speculationrules">
      {{"prerender": [{{"urls": ["{ahead}"], "eagerness": "immediate"}}]}}</script>
      <script>setTimeout(() => {{ location.href = "{ahead}" }}, 3000)</script>""")
    with undriven(first, tmp_path):
        path = ahead.removeprefix(shop.origin)
        shop.wait_until(lambda: shop.asked.count(path), lambda times: times == 1)
        assert [view.url for view in shop.wait("page_view")] == [first]
        shop.wait("activated")
    views = shop.events("page_view")
    assert [view.url for view in views] == [first, ahead]
    assert shop.asked.count(path) == 1
    assert views[1].timestamp - views[0].timestamp > timedelta(seconds=2.5)


@contextmanager
def undriven(address: str, profile: Path) -> Iterator[None]:
    """Open an address in a Chromium without the driver, whose presence forbids some."""
    command = [
        shutil.which("chromium") or "chromium", *FLAGS, "--headless",
        f"--user-data-dir={profile}", "--remote-debugging-port=0", address,
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def test_a_page_in_the_background_is_a_view_only_when_shown(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.add_init_script(f"({HIDE})()")
    page.goto(shop.page())
    page.evaluate("code24('event', 'asked')")
    page.wait_for_timeout(1_500)
    assert shop.events() == []
    page.evaluate(SHOW)
    shop.wait("asked")
    assert len(shop.events("page_view")) == 1
