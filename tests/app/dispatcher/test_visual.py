"""Changes of pages, made in a real browser by the client that exists."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.dispatcher.payload import answer, auto_experiments
from app.dispatcher.visual import is_visual
from code24.contracts.change import AddClass, Attribute, Change, Match, Remove, Text
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.targeting import Targeting, UrlPattern
from code24.settings import Ports, Settings
from tests import node
from tests.app.dispatcher.serving import address, serving
from tests.app.tracker.serving import pages
from tests.code24.releasing import MOMENT, ReleaseHome, ab_test, release_home, shard
from tests.conftest import free_port

BUNDLE = "@growthbook/growthbook/dist/bundles/index.min.js"
HOSTILE = '<img src=x onerror="window.hit = 1"></h1><script>window.hit = 1</script> &'
BODY = """<h1 id="top">Before</h1><p class="lead">Words</p>
<a href="/old" id="go">Go</a><script class="lead">window.ran = 1</script>"""


def change(host: str, *operations: Any, path: str = "*", **more: Any) -> Change:
    match = Match(host=host, path=path)
    return Change(id="c", match=match, ops=operations, **more)


def visual_test(test_id: str, *changes: Change, **more: Any) -> Experiment:
    variants = (
        Variant(variant_id="control", name="As it is"),
        Variant(variant_id="bold", name="Bold", changes=changes),
    )
    return ab_test(
        test_id, **{"variants": variants, "traffic_split": (0.0, 1.0), **more}
    )


def all_kinds(host: str) -> tuple[Experiment, ...]:
    only_shop = Targeting(
        condition={"device": "phone"}, url_patterns=(UrlPattern(pattern="/shop/*"),)
    )
    return (
        visual_test(
            "headline",
            change(host, Text(sel="#top", value=HOSTILE), path="/shop/*"),
            change(host, AddClass(sel=".lead", value="big")),
            change(
                host, Attribute(sel="a#go", name="href", value="/new"), path="/old*"
            ),
        ),
        visual_test(
            "phones", change(host, AddClass(sel="h1", value="s")), targeting=only_shop
        ),
        visual_test(
            "shipped",
            change(host, Attribute(sel="a", name="title", value='"New"')),
            status="complete",
            winner_variant="bold",
        ),
        visual_test("gone", change(host, Remove(sel="#go"))),
        visual_test("off", change(host, AddClass(sel="h1", value="never"))),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve a page, and its tests by the dispatcher; give both addresses."""
    node.needs_clients()
    home = release_home(tmp_path_factory.mktemp("home"))
    with pages() as (origin, files):
        host = origin.removeprefix("http://")
        bundle = (node.CLIENTS / "node_modules" / BUNDLE).read_text()
        html = f"<!doctype html><title>Page</title>{BODY}<script>{bundle}</script>"
        for path in ("/shop/red", "/old", "/blog"):
            files[path] = (html.encode(), {"Content-Type": "text/html"})
        settings = _settings(home)
        home.publish(shard("shop", *all_kinds(host)))
        home.publisher.set_switches([], ["off"])
        with serving(settings):
            yield origin, address(settings)


START = """async ([apiHost, attributes, remoteEval]) => {
  window.seen = [];
  const gb = new growthbook.GrowthBook({
    apiHost, clientKey: "ck_shop", attributes, remoteEval, url: location.href,
    trackingCallback: (test, result) => window.seen.push([test.key, result.key]),
  });
  await gb.init({ timeout: 10000 });
  const of = (selector) => document.querySelector(selector);
  return {
    text: of("h1").textContent, children: of("h1").childElementCount,
    heading: of("h1").className, lead: of("p").className,
    script: of("body script").className,
    href: of("#go") && of("#go").getAttribute("href"), title: of("#go").title,
    seen: window.seen, hit: window.hit ?? null,
  };
}"""


def shown(page: Page, origin: str, path: str, *asked: Any) -> dict[str, Any]:
    page.goto(f"{origin}{path}")
    told: dict[str, Any] = page.evaluate(START, list(asked))
    return told


@pytest.mark.browser
@pytest.mark.parametrize("is_remote", [False, True], ids=["here", "remote"])
def test_the_browser_makes_the_changes_of_each_page(
    browser: Browser, site: tuple[str, str], is_remote: bool
) -> None:
    origin, dispatcher = site
    page = browser.new_page()
    phone = {"id": "unit-1", "device": "phone"}
    found = shown(page, origin, "/shop/red?a=1", dispatcher, phone, is_remote)
    assert found == {
        "text": HOSTILE,
        "children": 0,
        "heading": "s",
        "lead": "lead big",
        "script": "lead",
        "href": "/old",
        "title": '"New"',
        "seen": found["seen"],
        "hit": None,
    }
    assert sorted(found["seen"]) == [["headline", "bold"], ["phones", "bold"]]
    laptop = {"id": "unit-1", "device": "laptop"}
    other = shown(page, origin, "/old", dispatcher, laptop, is_remote)
    assert (other["text"], other["heading"]) == ("Before", "")
    assert (other["href"], other["lead"]) == ("/new", "lead big")
    assert other["seen"] == [["headline", "bold"]]
    preview = shown(page, origin, "/blog?headline=0", dispatcher, phone, is_remote)
    assert (preview["lead"], preview["seen"]) == ("lead", [])
    nobody = shown(page, origin, "/shop/red", dispatcher, {}, is_remote)
    assert (nobody["text"], nobody["title"], nobody["seen"]) == ("Before", "", [])
    page.close()


def test_a_change_that_browsers_cannot_make_makes_no_experiment() -> None:
    counted = change("shop.example", AddClass(sel="h1", value="s"), requires={"h1": 1})
    assert not is_visual(visual_test("gone", change("a.example", Remove(sel="#go"))))
    assert not is_visual(visual_test("counted", counted))
    assert not is_visual(ab_test("flag"))


def test_pages_of_another_host_are_left_alone() -> None:
    found = experiments(
        visual_test("t", change("shop.example", Text(sel="h1", value="x")))
    )
    assert [one["urlPatterns"] for one in found] == [
        [
            {
                "type": "regex",
                "include": True,
                "pattern": "^https?://shop\\.example\\/[^?#]*(?:[?#]|$)",
            }
        ]
    ]


def test_with_a_holdout_the_shipped_is_counted_too() -> None:
    test = visual_test(
        "t",
        change("shop.example", Text(sel="h1", value="x")),
        status="complete",
        winner_variant="bold",
    )
    (shipped,) = experiments(test)
    (verified,) = experiments(test, holdout=0.1)
    assert (shipped["force"], "force" in verified) == (1, False)
    assert verified["key"] == "t--holdout-1000"
    assert verified["weights"] == (0.1, 0.9)


def experiments(test: Experiment, **more: Any) -> list[dict[str, Any]]:
    return auto_experiments(shard("shop", test, **more), ())


def test_the_tag_follows_the_changes() -> None:
    def tag(text: str) -> str:
        test = visual_test("t", change("shop.example", Text(sel="h1", value=text)))
        built = answer(shard("shop", test), tests_off=(), is_off=False, built_at=MOMENT)
        return built.etag

    assert tag("one") != tag("two")


def _settings(home: ReleaseHome) -> Settings:
    return Settings(home=home.releases.parent, ports=Ports(dispatcher=free_port()))
