"""Plausible's events API: long and short names, drops told, no key."""

import json
from typing import Any

import httpx
import pytest

from tests.app.collector.serving import Served, dead_letters, logged

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def send(served: Served, **body: Any) -> httpx.Response:
    headers = {"User-Agent": BROWSER, "Content-Type": "text/plain"}
    return served.client.post("/api/event", content=json.dumps(body), headers=headers)


def test_long_and_short_names_say_the_same(served: Served) -> None:
    before = len(logged(served.settings))
    revenue = {"amount": "10.50", "currency": "EUR"}
    short: dict[str, Any] = {
        "n": "Purchase",
        "u": "https://shop.example/x",
        "d": served.site.host,
        "r": "https://a.example/",
        "p": {"size": "L", "email": "ada@shop.example"},
        "$": revenue,
        "i": False,
    }
    long = {
        "name": "Purchase",
        "url": "https://shop.example/x",
        "domain": served.site.host,
        "referrer": "https://a.example/",
        "props": json.dumps(short["p"]),
        "revenue": json.dumps(revenue),
        "interactive": False,
    }
    for body in (short, long):
        answer = send(served, **body)
        assert (answer.status_code, answer.text) == (202, "ok")
        assert "x-plausible-dropped" not in answer.headers
    first, second = (record.event for record in logged(served.settings, before))
    assert first.metadata == second.metadata
    assert (first.goal_type, first.conversion_value) == ("sales", 10.5)
    assert first.metadata["size"] == "L"
    assert "email" not in first.metadata
    assert first.visitor_id == second.visitor_id
    assert (first.url, first.referrer) == (second.url, second.referrer)


@pytest.mark.parametrize(
    ("name", "revenue", "kind", "goal"),
    [
        ("pageview", None, "page_view", None),
        ("Outbound Link: Click", None, "interaction", None),
        ("Signup", None, "conversion", "signups"),
        ("Signup", {"amount": 5}, "conversion", "signups"),
        ("Donation", {"amount": 5}, "conversion", "sales"),
        ("Donation", {"amount": "much"}, "interaction", None),
    ],
)
def test_what_an_event_is(
    served: Served, name: str, revenue: Any, kind: str, goal: str | None
) -> None:
    before = len(logged(served.settings))
    send(served, n=name, u="https://shop.example/", d="shop.example", **{"$": revenue})
    [record] = logged(served.settings, before)
    assert (record.event.event_type, record.event.goal_type) == (kind, goal)


def test_what_is_dropped_is_told(served: Served) -> None:
    before = len(logged(served.settings))
    letters = len(dead_letters(served.settings))
    for body in (
        {"n": "pageview", "u": "https://other.example/", "d": "other.example"},
        {"u": "https://shop.example/", "d": "shop.example"},
        {"n": "x", "u": "https://shop.example/", "d": "shop.example", "p": deep()},
    ):
        answer = send(served, **body)
        assert answer.status_code == 202
        assert answer.headers["x-plausible-dropped"] == "1"
    assert len(logged(served.settings)) == before
    assert len(dead_letters(served.settings)) == letters + 2


def deep() -> Any:
    value: Any = 1
    for _ in range(20):
        value = {"x": value}
    return value


def test_a_site_is_found_by_its_host_in_any_form(served: Served) -> None:
    for domain in ("shop.example", "www.shop.example", " SHOP.example "):
        answer = send(served, n="pageview", u="https://shop.example/", d=domain)
        assert "x-plausible-dropped" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"[]", b'{"n": "pageview"}'])
def test_what_names_no_domain_is_400(served: Served, body: bytes) -> None:
    assert served.client.post("/api/event", content=body).status_code == 400
