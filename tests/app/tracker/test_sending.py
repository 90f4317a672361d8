"""How events leave: batched, on leaving by beacon, again after refusals; harmlessly."""

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route

from code24.settings import Ports, Settings
from tests.app.collector.serving import dead_letters, new_site, process
from tests.app.tracker.serving import HIDE, SHOW, Shop, hold_clock, name_of
from tests.conftest import free_port

pytestmark = pytest.mark.browser

REFUSED: dict[str, Any] = {
    "status": 429,
    "headers": {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "1",
    },
}


def _sends(page: Page) -> list[Request]:
    sent: list[Request] = []

    def note(request: Request) -> None:
        if request.url.endswith("/v1/events"):
            sent.append(request)

    page.on("request", note)
    return sent


def test_what_happens_together_is_sent_together(shop: Shop) -> None:
    page = shop.visitor().new_page()
    sent = _sends(page)
    page.goto(shop.page())
    page.evaluate("for (let i = 0; i < 20; i++) code24('event', 'many', {i})")
    assert len(shop.wait("many", 20)) == 20
    assert len(sent) <= 2
    assert {request.method for request in sent} == {"POST"}
    assert sent[0].headers["content-type"] == "text/plain"
    assert "authorization" not in sent[0].headers


VITALS = {"lcp", "cls", "inp", "fcp", "ttfb"}
IDLE_MS = 1_500
"""web-vitals looks at an interaction when the page is idle, a second later at most."""


def _press(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<h1>Large</h1><button>Press</button>"))
    page.click("button")
    shop.wait("page_view")
    page.wait_for_timeout(IDLE_MS)
    page.evaluate("code24('event', 'last')")


def test_hiding_sends_what_waits_and_the_web_vitals_in_one_beacon(shop: Shop) -> None:
    page = shop.visitor().new_page()
    sent = _sends(page)
    _press(shop, page)
    page.evaluate(HIDE)
    (last,) = shop.wait("last")
    beacons = [each for each in sent if each.resource_type == "ping"]
    assert len(beacons) == 1
    assert beacons[0].headers["content-type"] == "text/plain"
    together = [event for event in shop.events() if event.sent_at == last.sent_at]
    assert {name_of(event) for event in together} == {"last", "engagement", "web_vital"}
    assert {"cls", "inp"} <= {name for event in together for name in event.metadata}


def test_leaving_sends_what_waits_and_all_web_vitals(shop: Shop) -> None:
    page = shop.visitor().new_page()
    _press(shop, page)
    page.goto(shop.page(name="second"))
    shop.wait("last")
    vitals = shop.wait_until(
        lambda: [e for e in shop.events("web_vital") if "page.html" in str(e.url)],
        lambda found: len(found) >= 5,
    )
    view = shop.events("page_view")[0].metadata["pageViewId"]
    assert {event.metadata["pageViewId"] for event in vitals} == {view}
    assert {n for event in vitals for n in VITALS & event.metadata.keys()} == VITALS
    for event in vitals:
        assert re.fullmatch(r"v\d+-\d+-\d+-\d+", str(event.id))
        assert event.metadata["rating"] == "good"


def test_closing_the_page_loses_nothing(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    page.evaluate("code24('conversion', {goal: 'sales', value: 3})")
    page.close(run_before_unload=True)
    assert shop.wait("conversion")[0].conversion_value == 3


def test_a_refusal_is_answered_by_trying_again(shop: Shop) -> None:
    page = shop.visitor().new_page()
    answers: list[str] = []

    def refuse_twice(route: Route) -> None:
        answers.append(str(route.request.post_data))
        if len(answers) <= 2:
            route.fulfill(**REFUSED)
        else:
            route.continue_()

    page.route("**/v1/events", refuse_twice)
    page.goto(shop.page())
    page.evaluate("code24('event', 'first')")
    shop.wait("first")
    page.evaluate("code24('event', 'second')")
    shop.wait("second")
    views = [text.count('"page_view"') for text in answers]
    assert views[:3] == [1, 1, 1]
    assert [name_of(event) for event in shop.events()].count("first") == 1


def test_what_is_recorded_meanwhile_waits_as_long_as_was_asked(shop: Shop) -> None:
    page = shop.visitor().new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/events", hold)
    hold_clock(page)
    page.goto(shop.page())
    page.clock.run_for(1_000)
    shop.wait_until(lambda: len(held), lambda requests: requests == 1)
    page.evaluate("code24('event', 'meanwhile')")
    asked = {**REFUSED["headers"], "Retry-After": "30"}
    held[0].fulfill(status=429, headers=asked)
    page.wait_for_timeout(300)
    for _ in range(29):
        page.clock.run_for(1_000)
    assert len(held) == 1
    for _ in range(10):
        page.clock.run_for(1_000)
    shop.wait_until(lambda: len(held), lambda requests: requests == 2)
    held[1].continue_()
    shop.wait("meanwhile")


def test_an_unknown_key_is_said_once_and_not_tried_again(shop: Shop) -> None:
    page = shop.visitor().new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    sent = _sends(page)
    address = shop.page()
    body, headers = shop.files[address.removeprefix(shop.origin)]
    wrong = body.replace(shop.site.write_key.encode(), b"wk_wrong")
    shop.files[address.removeprefix(shop.origin)] = (wrong, headers)
    page.goto(address)
    page.wait_for_timeout(3_500)
    assert len(sent) == 1
    assert len([text for text in said if "answered 401" in text]) == 1


def test_what_happens_offline_is_sent_once_online(shop: Shop) -> None:
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.page())
    shop.wait("page_view")
    context.set_offline(True)
    page.evaluate("for (let i = 0; i < 300; i++) code24('event', 'many', {i})")
    page.evaluate("code24('conversion', {goal: 'sales', value: 5})")
    page.wait_for_timeout(2_500)
    assert shop.events("many") == []
    context.set_offline(False)
    shop.wait("conversion")
    many = shop.wait("many", 199)
    assert [event.metadata["i"] for event in many] == list(range(101, 300))


def test_a_collector_that_was_away_gets_what_waited(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("away")
    settings = Settings(home=home, ports=Ports(collector=free_port()))
    site = new_site(settings, "away")
    own = replace(shop, settings=settings, site=site)
    page = own.visitor().new_page()
    with process(settings) as collector:
        page.goto(own.page())
        own.wait("page_view")
        collector.kill()
    page.evaluate("code24('event', 'meanwhile')")
    page.wait_for_timeout(1_500)
    with process(settings):
        own.wait("meanwhile")
    assert len(own.events("meanwhile")) == 1


def test_a_beacon_that_may_have_been_refused_is_repeated_as_a_duplicate(
    shop: Shop,
) -> None:
    page = shop.visitor().new_page()
    page.route("**/v1/events", lambda route: route.fulfill(**REFUSED))
    page.goto(shop.page())
    page.wait_for_timeout(1_500)
    page.evaluate(HIDE)
    page.evaluate(SHOW)
    page.unroute("**/v1/events")
    shop.wait("page_view")
    page.evaluate("code24('event', 'end')")
    shop.wait("end")
    assert len({event.id for event in shop.events("page_view")}) == 1


STRICT = {
    "Content-Security-Policy": "default-src 'none'; script-src {0}; connect-src {0}; "
    "require-trusted-types-for 'script'"
}


def test_a_strict_content_security_policy_is_kept(shop: Shop) -> None:
    page = shop.visitor().new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    headers = {name: text.format(shop.collector) for name, text in STRICT.items()}
    page.goto(
        shop.page(
            "<button data-code24-event='press'>Press</button>",
            "data-consent=granted data-outbound data-downloads",
            headers=headers,
        )
    )
    page.click("button")
    shop.wait("press")
    page.goto(shop.page(name="second"))
    shop.wait("page_view", 2)
    assert [text for text in said if "Policy" in text or "code24" in text] == []


def test_a_script_that_is_loaded_twice_counts_once(shop: Shop) -> None:
    page = shop.visitor().new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(shop.page("<button data-code24-event='press'>x</button>" + shop.tag()))
    page.click("button")
    shop.wait("press")
    page.wait_for_timeout(1_500)
    assert len(shop.events("page_view")) == len(shop.events("press")) == 1
    assert any("twice" in text for text in said)


def test_the_page_gets_one_new_name_and_no_error(shop: Shop) -> None:
    page = shop.visitor().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(shop.page(head="<script>before = Object.keys(window)</script>"))
    added = "Object.keys(window).filter((n) => !before.includes(n) && n !== 'before')"
    assert page.evaluate(added) == ["code24"]
    page.evaluate("""() => {
      const round = {}; round.round = round;
      code24(); code24("nothing"); code24(null, null); code24("toString");
      code24("event"); code24("event", "round", round);
      code24("event", "large", {text: "x".repeat(40000)});
      code24("event", "big", {n: 10n});
      code24("conversion"); code24("conversion", null);
      code24("conversion", {goal: "nonsense"});
      code24("consent", "perhaps"); code24("exposure"); code24("exposure", null);
      code24("ready"); code24("ready", () => { throw new Error("the page's own") });
      code24("event", "after");
    }""")
    shop.wait("after")
    assert errors == []
    letters = [x for x in dead_letters(shop.settings) if shop.site.site_id in x.body]
    assert letters == []


def test_a_tag_without_its_attributes_says_so(shop: Shop) -> None:
    page = shop.visitor().new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    bare = f"<script defer src='{shop.collector}/code24.js'></script>"
    html = f"<!doctype html><title>Bare</title>{bare}"
    page.goto(shop.file("bare.html", html, "text/html"))
    assert any("data-site and data-key" in text for text in said)
