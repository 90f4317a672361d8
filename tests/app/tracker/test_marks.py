"""What the page marks or says: clicks, goals, forms, links, commands."""

import pytest
from playwright.sync_api import Page

from code24.event_log import read
from tests.app.tracker.serving import Shop, name_of

pytestmark = pytest.mark.browser


def _told(shop: Shop, name: str, *fields: str) -> list[tuple[object, ...]]:
    return [tuple(e.metadata.get(f) for f in fields) for e in shop.events(name)]


def _end(shop: Shop, page: Page) -> None:
    page.evaluate("code24('event', 'end')")
    shop.wait("end")


def test_marked_clicks_are_events_with_their_properties(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(
        shop.page("""
          <button data-code24-event="plan" data-code24-prop-plan="pro"
                  onclick="event.stopPropagation()"><b>Pro</b></button>
          <button id="plain">Nothing</button>
          <div id="host"></div>
          <script>
            host.attachShadow({mode: "open"}).innerHTML =
              "<a data-code24-event='inner' href='#x'>in the shadow</a>";
          </script>""")
    )
    page.click("b")
    page.click("#plain")
    page.click("#host a")
    page.focus("button")
    page.keyboard.press("Enter")
    _end(shop, page)
    assert _told(shop, "plan", "plan") == [("pro",), ("pro",)]
    assert len(shop.events("inner")) == 1
    kinds = {name_of(event) for event in shop.events()}
    assert kinds <= {"page_view", "plan", "inner", "end", "web_vital"}


def test_a_marked_goal_is_one_conversion_a_view_with_its_value(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(
        shop.page("""
          <button data-code24-goal="leads" data-code24-value="12.5"
                  data-code24-prop-place="top">Call me</button>
          <a href="#" id="order" data-code24-goal="sales" data-code24-id="o-1">Buy</a>
          <i data-code24-goal="nonsense">?</i>""")
    )
    page.dblclick("button")
    page.click("#order")
    page.click("i")
    _end(shop, page)
    lead, sale = shop.events("conversion")
    assert (lead.goal_type, lead.conversion_value) == ("leads", 12.5)
    assert lead.metadata["place"] == "top"
    assert (sale.goal_type, sale.conversion_value, sale.id) == ("sales", None, "o-1")
    page.evaluate("history.pushState({}, '', 'next')")
    shop.wait("page_view", 2)
    page.click("button")
    assert len(shop.wait("conversion", 3)) == 3


FORM = """
  <form data-code24-form="signup" data-code24-prop-plan="trial"
        data-code24-goal="signups" onsubmit="event.preventDefault()">
    <fieldset data-code24-step="who"><input id="name"><input id="mail"></fieldset>
    <fieldset data-code24-step="pay">
      <input id="card" type="password"><select><option>a<option>b</select>
    </fieldset>
    <button>Send</button>
  </form>
  <form id="unmarked"><input id="other"></form>"""


def test_form_steps_are_told_and_never_what_was_typed(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(FORM))
    page.fill("#name", "Sibylle Typed")
    page.fill("#mail", "typed@mail.example")
    page.fill("#card", "typed-4111")
    page.select_option("select", "b")
    page.fill("#other", "typed elsewhere")
    page.click("button")
    page.click("button")
    _end(shop, page)
    assert _told(shop, "form_start", "form", "plan", "step") == [
        ("signup", "trial", None),
        ("signup", "trial", None),
    ]
    assert _told(shop, "form_step", "form", "step") == [
        ("signup", "who"),
        ("signup", "pay"),
    ]
    assert _told(shop, "form_submit", "step") == [("pay",), (None,)]
    assert shop.events("form_abandon") == []
    (conversion,) = shop.events("conversion")
    assert (conversion.goal_type, conversion.metadata["plan"]) == ("signups", "trial")
    stored = b"".join(r.payload for r in read(shop.settings.log, "live", 0)).lower()
    assert b"typed" not in stored


def test_a_form_that_is_left_is_abandoned_at_its_last_step(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(FORM))
    page.fill("#name", "typed")
    page.goto(shop.page(name="second"))
    assert [e.metadata["step"] for e in shop.wait("form_abandon")] == ["who"]
    page.goto(shop.page(FORM, name="third"))
    page.fill("#card", "typed")
    page.evaluate("history.pushState({}, '', 'elsewhere')")
    shop.wait("form_abandon", 2)
    assert _told(shop, "form_abandon", "step") == [("who",), ("pay",)]
    left = shop.events("form_abandon")[1]
    assert str(left.url).endswith("third.html")


def test_a_form_that_is_sent_away_is_submitted_not_abandoned(shop: Shop) -> None:
    target = shop.page(name="thanks")
    page = shop.visitor().new_page()
    page.goto(
        shop.page(f"""<form action="{target}" data-code24-form="ask"
          data-code24-goal="leads"><input name="q"></form>""")
    )
    page.fill("input", "typed")
    page.keyboard.press("Enter")
    page.wait_for_url("**/thanks.html?*")
    _end(shop, page)
    names = [name_of(event) for event in shop.events()]
    assert names.count("form_submit") == 1
    assert names.count("conversion") == 1
    assert "form_abandon" not in names


LINKS = """
  <a id="out" href="https://elsewhere.example/shelf?who=me#part">out</a>
  <a id="in" href="#here">in</a>
  <a id="file" href="/files/prices.PDF?key=1">file</a>
  <a id="named" download href="/files/plain">named</a>
  <a id="mail" href="mailto:me@mail.example">mail</a>
  <script>addEventListener("click", (event) => event.preventDefault())</script>"""


def test_links_are_followed_where_the_tag_asks(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(LINKS, "data-outbound data-downloads"))
    for link in ("out", "in", "file", "named", "mail"):
        page.click(f"#{link}")
    _end(shop, page)
    assert _told(shop, "outbound_click", "href") == [
        ("https://elsewhere.example/shelf",)
    ]
    assert _told(shop, "file_download", "href") == [
        (f"{shop.origin}/files/prices.PDF",),
        (f"{shop.origin}/files/plain",),
    ]


def test_links_are_not_followed_by_default(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page(LINKS, "data-outbound=false"))
    for link in ("out", "in", "file"):
        page.click(f"#{link}")
    _end(shop, page)
    assert shop.events("outbound_click") == shop.events("file_download") == []


def test_the_page_says_conversions_with_their_value(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    page.evaluate("""() => {
      const order = {goal: "sales", value: 49.9, id: "order-17", currency: "EUR"};
      code24("conversion", order);
      order.currency = "changed";
      code24("conversion", {goal: "leads", value: "7"});
      code24("conversion", {goal: "traffic", value: "none"});
    }""")
    sale, lead, visit = shop.wait("conversion", 3)
    assert (sale.id, sale.goal_type, sale.conversion_value) == (
        "order-17",
        "sales",
        49.9,
    )
    assert sale.metadata["currency"] == "EUR"
    assert "goal" not in sale.metadata
    assert (lead.conversion_value, visit.conversion_value) == (7.0, None)


def test_an_exposure_counts_once_a_view(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    shown = "code24('exposure', {experimentId: 'hero', variationId: 1})"
    page.evaluate(f"{shown}; {shown}")
    page.evaluate("code24('exposure', {experimentId: 'hero'})")
    page.reload()
    page.evaluate(shown)
    shop.wait("experiment_viewed", 2)
    assert _told(shop, "experiment_viewed", "experimentId", "variationId") == [
        ("hero", "1"),
        ("hero", "1"),
    ]


def test_a_page_cannot_rename_what_the_script_says(shop: Shop) -> None:
    page = shop.visitor().new_page()
    page.goto(shop.page())
    page.evaluate("code24('event', 'play', {name: 'x', pageViewId: 'y', at: [1, 2]})")
    (event,) = shop.wait("play")
    assert event.metadata["pageViewId"] != "y"
    assert event.metadata["at"] == [1, 2]
