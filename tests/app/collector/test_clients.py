import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from starlette.requests import Request

from app.collector.clients import Clients
from code24.cookieless import CookielessIds
from code24.request_facts import RequestFacts
from code24.settings import Settings
from tests.app.collector.serving import dead_letters, event, logged, serving

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


def facts(
    folder: Path, proxies: str, headers: Mapping[str, str], peer: str = "10.0.0.5"
) -> RequestFacts:
    networks = [ip_network(text) for text in proxies.split()]
    encoded = [(name.encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "headers": encoded, "client": (peer, 1)}
    clients = Clients(CookielessIds(folder), networks)
    return clients.facts(Request(scope), "shop", NOW)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "network"),
    [
        ("", "203.0.113.9", "10.0.0.0"),
        ("192.0.2.0/24", "203.0.113.9", "10.0.0.0"),
        ("10.0.0.5", "203.0.113.9", "203.0.113.0"),
        ("10.0.0.0/8", "198.51.100.7, 203.0.113.9, 10.1.2.3", "203.0.113.0"),
        ("10.0.0.0/8", "10.9.9.9, 10.1.2.3", "10.9.9.0"),
        ("10.0.0.0/8 2001:db8::/32", "2001:dead::1, 2001:db8::2", "2001:dead::"),
        ("10.0.0.0/8", "unknown", None),
        ("10.0.0.0/8", None, "10.0.0.0"),
    ],
)
def test_only_trusted_proxies_say_whom_they_speak_for(
    tmp_path: Path, proxies: str, forwarded: str | None, network: str | None
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert facts(tmp_path, proxies, headers).address == network


def test_facts_are_cut_and_hold_no_address(tmp_path: Path) -> None:
    headers = {
        "user-agent": "x" * 9_000,
        "host": "collect.example",
        "origin": "https://shop.example",
        "accept-language": "de" * 900,
    }
    told = facts(tmp_path, "", headers, peer="203.0.113.77")
    assert told.user_agent == "x" * 512
    assert told.host == "collect.example"
    assert told.origin == "https://shop.example"
    assert told.language == "de" * 128
    assert "203.0.113.77" not in repr(told)


def test_no_headers_are_no_facts(tmp_path: Path) -> None:
    told = facts(tmp_path, "", {}, peer="")
    assert told.visitor_id is not None
    told = RequestFacts(visitor_id=told.visitor_id)
    assert told == facts(tmp_path, "", {}, peer="")


def test_no_address_is_on_the_disk_in_any_form(settings: Settings) -> None:
    trusting = replace(settings, trusted_proxies=(ip_network("127.0.0.1"),))
    raw, other = "203.0.113.77", "198.51.100.23"
    headers = {"X-Forwarded-For": raw, "User-Agent": "Mozilla/5.0 Firefox/140.0"}
    with serving(trusting) as served:
        bare = {key: value for key, value in event(1).items() if key != "visitorId"}
        assert served.post(bare, headers=headers).status_code == 200
        own = event(2, metadata={"ip": other})
        assert served.post(own, headers=headers).status_code == 200
        call = {"type": "track", "event": "x", "anonymousId": "a"}
        calls = [{**call, "context": {"ip": other}}, {"context": {"ip": other}}]
        segment = {"batch": calls, "writeKey": served.site.write_key}
        assert served.client.post("/v1/batch", json=segment, headers=headers)
        page = {"d": "shop.example", "n": "pageview", "u": "https://shop.example/"}
        assert served.client.post("/api/event", json=page, headers=headers)
    first, second, third, view = (record.event for record in logged(settings))
    assert first.visitor_id == view.visitor_id
    assert second.metadata["ip"] == "198.51.100.0"
    assert third.metadata["name"] == "x"
    assert len(dead_letters(settings)) == 1
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert len(files) > 4
    for path in files:
        kept = path.read_bytes()
        assert raw.encode() not in kept, path
        assert other.encode() not in kept, path


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_a_browser_in_a_listed_data_centre_is_flagged_and_its_address_not_kept(
    settings: Settings,
) -> None:
    settings = replace(settings, trusted_proxies=(ip_network("127.0.0.0/8"),))
    settings.lists.mkdir(parents=True)
    (settings.lists / "data-centres.txt").write_text("203.0.113.0/24 Example Cloud\n")
    (settings.lists / "referrer-spam.txt").write_text("semalt.example\n")
    with serving(settings) as served:
        for number, (agent, address) in enumerate(
            [
                (FIREFOX, "203.0.113.77"),
                (FIREFOX, "198.51.100.7"),
                ("shop-backend/1.0", "203.0.113.78"),
            ]
        ):
            body = event(number, referrer="https://fine.example/", metadata={})
            headers = {"User-Agent": agent, "X-Forwarded-For": address}
            assert served.post(body, headers=headers).json()["accepted"] == 1
        spam = event(9, referrer="https://x.semalt.example/")
        assert served.post(spam).json()["accepted"] == 1
        found = logged(settings)
    assert [one.bot_reason for one in found] == [
        "data-centre: Example Cloud",
        None,
        None,
        "referrer-spam: semalt.example",
    ]
    assert found[0].event.metadata["device"] == "bot"
    assert "203.0.113.7" not in repr(found)


def test_lists_that_change_are_read_anew(tmp_path: Path) -> None:
    clients = Clients(CookielessIds(tmp_path / "salts"), lists=tmp_path)
    scope = {
        "type": "http",
        "headers": [(b"user-agent", FIREFOX.encode())],
        "client": ("192.0.2.4", 1),
    }
    assert clients.facts(Request(scope), "shop", NOW).data_centre is None
    (tmp_path / "data-centres.txt").write_text("192.0.2.0/24\n")

    def until_read() -> None:
        while not clients.suspects.networks:
            time.sleep(0.01)

    async def followed() -> None:
        following = asyncio.create_task(clients.follow())
        await asyncio.to_thread(until_read)
        following.cancel()

    asyncio.run(followed())
    told = clients.facts(Request(scope), "shop", NOW).data_centre
    assert told == "data-centre: listed"
