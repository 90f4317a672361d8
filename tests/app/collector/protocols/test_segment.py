"""Segment's HTTP API beyond what its clients send by themselves."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.collector.protocols.segment import BATCH_ROUTES, TYPES
from code24.contracts.wire import encode
from tests.app.collector.serving import Served, dead_letters, logged

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def send(served: Served, path: str, body: Any, **options: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else encode(body)
    options.setdefault("auth", (served.site.write_key, ""))
    return served.client.post(path, content=content, **options)


def call(**changes: Any) -> dict[str, Any]:
    return {"anonymousId": "a-1", "event": "Clicked", "messageId": "m-1", **changes}


@pytest.mark.parametrize("path", sorted(TYPES))
def test_each_route_says_the_type(served: Served, path: str) -> None:
    before = len(logged(served.settings))
    answer = send(served, path, call(messageId=path, userId="7", previousId="a-0"))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [record] = logged(served.settings, before)
    kind = TYPES[path]
    expected = {"track": "Clicked", "page": "page_view", "screen": "page_view"}
    name = record.event.metadata.get("name", record.event.event_type)
    assert name == expected.get(kind, kind)
    assert record.event.id == path


@pytest.mark.parametrize("path", BATCH_ROUTES)
def test_each_batch_route_takes_a_batch(served: Served, path: str) -> None:
    before = len(logged(served.settings))
    sent_at = datetime.now(UTC)
    body = {
        "batch": [
            call(type="track", messageId=f"{path}1", context={"locale": "de"}),
            call(type="page", messageId=f"{path}2", sentAt=None),
        ],
        "sentAt": sent_at.isoformat(),
        "context": {"locale": "fr"},
        "writeKey": served.site.write_key,
    }
    assert send(served, path, body, auth=None).json() == {"success": True}
    first, second = (record.event for record in logged(served.settings, before))
    assert (first.metadata["language"], second.metadata["language"]) == ("de", "fr")
    assert first.sent_at == sent_at
    assert second.sent_at is None


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense"]
)
def test_the_browser_s_client_as_it_was_captured(
    served: Served, content_type: str
) -> None:
    """What @segment/analytics-next 1.84 sends to ``apiHost/v1/t``."""
    before = len(logged(served.settings))
    now = datetime.now(UTC)
    body = {
        "timestamp": (now - timedelta(seconds=2)).isoformat(),
        "integrations": {},
        "type": "track",
        "event": "Product Added",
        "properties": {"sku": "G-32", "price": 18.99},
        "context": {
            "page": {
                "path": "/p",
                "referrer": "https://search.example/",
                "search": "",
                "title": "Games",
                "url": "https://shop.example/p",
            },
            "userAgent": BROWSER,
            "userAgentData": {"brands": [], "mobile": False, "platform": "Linux"},
            "locale": "en-US",
            "library": {"name": "analytics.js", "version": "next-1.84.0"},
            "timezone": "Europe/Berlin",
        },
        "messageId": f"ajs-next-1764-{content_type}",
        "anonymousId": "b1f2c3d4-1111-4222-8333-944455556666",
        "writeKey": served.site.write_key,
        "userId": None,
        "sentAt": now.isoformat(),
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }
    headers = {
        "Content-Type": content_type,
        "Origin": "https://shop.example",
        "User-Agent": BROWSER,
    }
    answer = send(served, "/v1/t", body, headers=headers, auth=None)
    assert answer.json() == {"success": True}
    [record] = logged(served.settings, before)
    event = record.event
    assert event.metadata["name"] == "Product Added"
    assert event.metadata["price"] == 18.99
    assert event.metadata["title"] == "Games"
    assert event.url == "https://shop.example/p"
    assert event.referrer == "https://search.example/"
    assert event.visitor_id == body["anonymousId"]
    assert event.sent_at == now
    assert record.bot_reason is None


def test_a_bad_call_of_a_batch_is_a_letter_and_the_rest_goes_on(
    served: Served,
) -> None:
    before = len(logged(served.settings))
    letters = len(dead_letters(served.settings))
    personal = {"userId": "ada@shop.example", "traits": {"email": "ada@shop.example"}}
    bad: list[Any] = [
        "text",
        None,
        {},
        call(type="dance", **personal),
        call(type="track", event=""),
        {"type": "track", "event": "Of nobody"},
        call(type="track", timestamp="yesterday"),
        call(type="page", messageId="m" * 40_000, name="x" * 40_000),
    ]
    good = call(type="track", messageId="good")
    answer = send(served, "/v1/batch", {"batch": [*bad, good]})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [record] = logged(served.settings, before)
    assert record.event.id == "good"
    new = dead_letters(served.settings)[letters:]
    assert [letter.reason.partition(":")[0] for letter in new] == [
        *["invalid"] * (len(bad) - 1),
        "oversized",
    ]
    assert {letter.source for letter in new} == {"/v1/batch"}
    assert new[5].reason == "invalid: Object missing required field `visitorId`"
    assert "ada@" not in repr(new)


def test_a_browser_without_any_id_is_a_visitor_of_the_day(served: Served) -> None:
    before = len(logged(served.settings))
    body = {"event": "Clicked", "messageId": "nobody"}
    send(served, "/v1/track", body, headers={"User-Agent": BROWSER})
    [record] = logged(served.settings, before)
    assert record.event.visitor_id.startswith("cl-")
    assert record.event.metadata["isCookieless"] is True


def test_a_server_s_own_user_agent_is_not_the_visitor_s(served: Served) -> None:
    before = len(logged(served.settings))
    headers = {"User-Agent": "python-requests/2.32"}
    send(served, "/v1/track", call(messageId="from a server"), headers=headers)
    [record] = logged(served.settings, before)
    assert "userAgent" not in record.event.metadata
    assert record.bot_reason is None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"batch": {}}', b"\xff", b""])
def test_what_is_no_batch_is_400_and_kept(served: Served, body: bytes) -> None:
    letters = len(dead_letters(served.settings))
    assert send(served, "/v1/batch", body).status_code == 400
    assert len(dead_letters(served.settings)) == letters + 1


def test_too_many_and_too_large_are_413(served: Served) -> None:
    many = {"batch": [call(type="track")] * 2_001}
    assert send(served, "/v1/batch", many).status_code == 413
    bomb = gzip.compress(b'{"batch":[' + b" " * 60_000_000)
    headers = {"Content-Encoding": "gzip"}
    assert send(served, "/v1/batch", bomb, headers=headers).status_code == 413


def test_no_key_and_wrong_keys_are_401(served: Served) -> None:
    assert send(served, "/v1/track", call(), auth=None).status_code == 401
    assert send(served, "/v1/track", call(), auth=("x", "")).status_code == 401
    wrong = call(writeKey="x")
    assert send(served, "/v1/track", wrong, auth=None).status_code == 401
    client_key = call(writeKey=served.site.client_key)
    assert send(served, "/v1/track", client_key, auth=None).status_code == 401
    assert served.client.post("/v1/nothing").status_code == 404
