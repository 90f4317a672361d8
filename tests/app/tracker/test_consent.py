"""Who events are of: nobody without consent, nobody ever with DNT or GPC."""

import time
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.app.tracker.serving import Shop, name_of

pytestmark = pytest.mark.browser

THIRTEEN_MONTHS = 396 * 24 * 3600
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})"
DNT = "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})"
STORED = """async () => [
  document.cookie, localStorage.length, sessionStorage.length,
  (await indexedDB.databases()).length, (await caches.keys()).length,
]"""
NOTHING: list[Any] = ["", 0, 0, 0, 0]


def _cookies(context: BrowserContext) -> dict[str, str]:
    return {str(c.get("name")): str(c.get("value")) for c in context.cookies()}


def _end(shop: Shop, page: Page, name: str = "end") -> None:
    page.evaluate(f"code24('event', '{name}')")
    shop.wait(name)


def test_without_consent_nothing_is_stored_and_no_id_is_sent(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page("<form data-code24-form><input></form>"))
    page.fill("input", "words")
    _end(shop, page)
    assert page.evaluate(STORED) == NOTHING
    page.goto(shop.page(name="second"))
    _end(shop, page, "later")
    assert page.evaluate(STORED) == NOTHING
    assert context.cookies() == []
    events = shop.events()
    assert {event.visitor_id[:3] for event in events} == {"cl-"}
    assert {event.metadata["isCookieless"] for event in events} == {True}
    assert {event.session_id for event in events} == {None}
    assert {event.metadata.get("unitId") for event in events} == {None}


def test_consent_gives_an_id_that_lasts_and_refusal_takes_it_away(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page())
    page.evaluate("code24('consent', 'granted'); code24('consent', 'granted')")
    _end(shop, page, "known")
    page.goto(shop.page(name="second"))
    _end(shop, page, "known-again")
    cookies = {str(c.get("name")): c for c in context.cookies()}
    assert set(cookies) == {"code24_unit", "code24_session"}
    expires = float(cookies["code24_unit"].get("expires", 0)) - time.time()
    assert THIRTEEN_MONTHS - 2 * 24 * 3600 < expires < THIRTEEN_MONTHS
    session = float(cookies["code24_session"].get("expires", 0)) - time.time()
    assert 1_700 < session <= 1_800
    ids = _cookies(context)
    known = [*shop.events("known"), *shop.events("known-again")]
    assert {event.visitor_id for event in known} == {ids["code24_unit"]}
    assert {event.session_id for event in known} == {ids["code24_session"]}
    assert [e.metadata["status"] for e in shop.events("consent")] == ["granted"]
    assert shop.events("page_view")[0].visitor_id.startswith("cl-")
    assert shop.events("page_view")[1].visitor_id == ids["code24_unit"]

    page.evaluate("code24('event', 'just-before'); code24('consent', 'denied')")
    _end(shop, page, "refused")
    assert page.evaluate(STORED) == NOTHING
    assert context.cookies() == []
    last = [*shop.events("just-before"), *shop.events("refused")]
    assert {event.visitor_id[:3] for event in last} == {"cl-"}
    assert {event.session_id for event in last} == {None}
    refusal = shop.events("consent")[-1]
    assert refusal.metadata["status"] == "denied"
    assert refusal.visitor_id.startswith("cl-")


def test_the_cookie_is_not_renewed_by_visits(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page(attributes="data-consent=granted"))
    shop.wait("page_view")
    first = {str(c.get("name")): c.get("expires") for c in context.cookies()}
    page.wait_for_timeout(1_100)
    page.reload()
    shop.wait("page_view", 2)
    then = {str(c.get("name")): c.get("expires") for c in context.cookies()}
    assert then["code24_unit"] == first["code24_unit"]
    assert then["code24_session"] != first["code24_session"]


def test_consent_that_the_page_knew_is_of_its_first_view(shop: Shop) -> None:
    queue = """<script>window.code24 = window.code24 || function () {
      (code24.q = code24.q || []).push(arguments) };
      code24("event", "early", {step: 1}); code24("consent", "granted")</script>"""
    context = shop.visitor()
    context.new_page().goto(shop.page(head=queue))
    shop.wait("early")
    names = [name_of(event) for event in shop.events()]
    assert [n for n in names if n != "web_vital"] == ["consent", "page_view", "early"]
    known = _cookies(context)["code24_unit"]
    assert {event.visitor_id for event in shop.events()} == {known}
    assert shop.events("early")[0].metadata["step"] == 1


def test_refusal_in_another_tab_holds_in_this_one(shop: Shop) -> None:
    context = shop.visitor()
    first, second = context.new_page(), context.new_page()
    first.goto(shop.page(attributes="data-consent=granted"))
    second.goto(shop.page(name="second"))
    shop.wait("page_view", 2)
    second.evaluate("code24('consent', 'denied')")
    _end(shop, first)
    assert shop.events("end")[0].visitor_id.startswith("cl-")
    assert context.cookies() == []
    first.evaluate("code24('consent', 'granted')")
    _end(shop, first, "granted-again")
    assert (
        shop.events("granted-again")[0].visitor_id == (_cookies(context)["code24_unit"])
    )


def test_hosts_of_one_domain_share_an_id_where_the_tag_says_so(shop: Shop) -> None:
    shared = "data-cookie-domain=shop.example"
    first = shop.page(attributes=f"{shared} data-consent=granted")
    second = shop.page(attributes=shared, name="second")
    context = shop.visitor()
    page = context.new_page()
    page.goto(first.replace("127.0.0.1", "www.shop.example"))
    page.goto(second.replace("127.0.0.1", "pay.shop.example"))
    views = shop.wait("page_view", 2)
    known = _cookies(context)["code24_unit"]
    assert {view.visitor_id for view in views} == {known}
    assert {view.session_id for view in views} == {_cookies(context)["code24_session"]}
    page.evaluate("code24('consent', 'denied')")
    assert context.cookies() == []


def test_a_page_that_says_denied_removes_what_was_stored(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page(attributes="data-consent=granted"))
    shop.wait("page_view")
    page.goto(shop.page(attributes="data-consent=denied", name="second"))
    assert shop.wait("page_view", 2)[1].visitor_id.startswith("cl-")
    assert context.cookies() == []


@pytest.mark.parametrize("wish", [GPC, DNT])
def test_a_privacy_signal_allows_no_id_whatever_the_page_says(
    shop: Shop, wish: str
) -> None:
    context = shop.visitor()
    page = context.new_page()
    granted = "data-consent=granted data-unit-id=u1"
    page.goto(shop.page(attributes=granted))
    shop.wait("page_view")
    assert context.cookies() != []
    page.add_init_script(wish)
    page.goto(shop.page(attributes=granted, name="second"))
    page.evaluate("window.code24UnitId = 'u2'; code24('consent', 'granted')")
    _end(shop, page)
    assert page.evaluate(STORED) == NOTHING
    assert context.cookies() == []
    second = [e for e in shop.events() if str(e.url).endswith("second.html")]
    assert {name_of(event) for event in second} >= {"page_view", "end"}
    assert {event.visitor_id[:3] for event in second} == {"cl-"}
    assert {event.session_id for event in second} == {None}
    assert {event.metadata.get("unitId") for event in second} == {None}


@pytest.mark.parametrize("wish", [GPC, DNT])
def test_a_privacy_signal_can_mean_that_nothing_is_sent(shop: Shop, wish: str) -> None:
    page = shop.visitor().new_page()
    page.add_init_script(wish)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shop.page(attributes="data-dnt=silent"))
    page.evaluate("code24('consent', 'granted')")
    page.evaluate("code24('conversion', {goal: 'sales', value: 1})")
    assert page.evaluate("new Promise((tell) => code24('ready', tell))") == {}
    page.wait_for_timeout(1_500)
    page.goto("about:blank")
    page.wait_for_timeout(500)
    assert [url for url in asked if url.endswith("/v1/events")] == []
    assert shop.events() == []


def test_the_unit_is_the_pages_own_where_it_gives_one(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page(attributes="data-unit-id=unit-7"))
    told = page.evaluate("new Promise((tell) => code24('ready', tell))")
    assert told == {"unitId": "unit-7"}
    page.evaluate("code24('exposure', {experimentId: 'hero', variationId: 'b'})")
    page.evaluate("code24('conversion', {goal: 'leads'})")
    shop.wait("conversion")
    assert {e.metadata["unitId"] for e in shop.events()} == {"unit-7"}
    page.goto(shop.page(head="<script>code24UnitId = 'unit-8'</script>", name="other"))
    assert shop.wait("page_view", 2)[1].metadata["unitId"] == "unit-8"
    page.evaluate("code24('consent', 'denied')")
    _end(shop, page)
    assert "unitId" not in shop.events("end")[0].metadata


def test_the_unit_is_the_dispatchers_cookie_where_there_is_one(shop: Shop) -> None:
    context = shop.visitor()
    context.add_cookies([{"name": "code24_unit", "value": "d%3A1", "url": shop.origin}])
    page = context.new_page()
    page.goto(shop.page())
    told = page.evaluate("new Promise((tell) => code24('ready', tell))")
    assert told == {"unitId": "d:1"}
    view = shop.wait("page_view")[0]
    assert (view.visitor_id, "unitId" in view.metadata) == ("d:1", False)


def test_a_cookie_that_no_id_can_be_made_of_is_none(shop: Shop) -> None:
    context = shop.visitor()
    context.add_cookies(
        [{"name": "code24_unit", "value": "%E0%A4%A", "url": shop.origin}]
    )
    context.new_page().goto(shop.page())
    assert shop.wait("page_view")[0].visitor_id.startswith("cl-")
