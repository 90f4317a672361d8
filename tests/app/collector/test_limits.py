"""What a site may send, and from which pages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.collector.limits import Limits
from code24.contracts.site import Site
from code24.settings import Settings
from code24.state import open_state
from code24.state.sites import set_access
from tests.app.collector.serving import Served, event, logged, new_site, serving
from tests.code24.state.conftest import NOW


@pytest.fixture
def served_alone(settings: Settings) -> Iterator[Served]:
    """Return a collector of this test's own."""
    with serving(settings) as served:
        yield served


def allow(
    served: Served,
    site_id: str,
    origins: list[str] | None = None,
    events_per_second: int | None = None,
) -> Site:
    with open_state(served.settings.database_url) as state:
        return set_access(
            state,
            site_id,
            origins=origins,
            events_per_second=events_per_second,
            actor="test",
            now=NOW,
        )


def test_a_bucket_empties_and_fills_at_the_site_s_rate() -> None:
    now = 100.0
    limits = Limits(lambda: now)
    assert limits.charge("shop", 5, 50) == 0
    assert limits.charge("shop", 5, 1) == 1
    assert limits.charge("blog", 5, 1) == 0
    now += 1.0
    assert limits.charge("shop", 5, 4) == 0
    assert limits.charge("shop", 5, 0) == 0
    assert limits.charge("shop", 5, 2_000) == 0
    assert limits.charge("shop", 5, 1) == 400
    now += 399.0
    assert limits.charge("shop", 5, 1) == 1
    now += 1_000_000.0
    assert limits.charge("shop", 5, 50) == 0
    assert limits.charge("shop", 5, 0) == 1


def test_a_noisy_site_is_told_to_wait_and_the_quiet_one_is_served(
    served_alone: Served,
) -> None:
    noisy = new_site(served_alone.settings, "noisy")
    allow(served_alone, "noisy", events_per_second=1)

    def shout(number: int) -> httpx.Response:
        numbers = range(number * 20, number * 20 + 20)
        batch = {"events": [event(n, siteId="noisy") for n in numbers]}
        return served_alone.post(batch, auth=(noisy.write_key, ""))

    def speak(number: int) -> httpx.Response:
        return served_alone.post(event(number))

    with ThreadPoolExecutor(8) as pool:
        shouted = pool.map(shout, range(200))
        spoken = pool.map(speak, range(100))
        answers, quiet = list(shouted), list(spoken)
    assert {answer.status_code for answer in quiet} == {200}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) > len(answers) / 2
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert "more than 1 events a second" in refused[0].json()["error"]
    kept = [record.event.site_id for record in logged(served_alone.settings)]
    assert kept.count("shop") == 100
    assert kept.count("noisy") == 20 * (len(answers) - len(refused))


def test_a_changed_limit_holds_for_the_next_requests(served_alone: Served) -> None:
    big = {"events": [event(n) for n in range(2_000)]}
    allow(served_alone, "shop", events_per_second=1)
    while served_alone.post(big).status_code == 200:
        pass
    body_key = {"writeKey": served_alone.site.write_key, "events": [event()]}
    assert served_alone.post(body_key, auth=None).status_code == 429
    plausible = {"d": served_alone.site.host, "n": "pageview", "u": "https://x.example"}
    answer = served_alone.client.post("/api/event", json=plausible)
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("http://localhost:3000", 200),
        (None, 200),
        ("https://shop.example:8443", 403),
        ("http://shop.example", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_keys_are_for_the_site_s_own_pages(
    served: Served, origin: str | None, status: int
) -> None:
    allow(served, "shop", origins=["https://shop.example", "http://localhost:3000"])
    # A key of another name makes the collector read the sites anew, as each second.
    assert served.post(event(), auth=("wk_nobody", "")).status_code == 401
    headers = {} if origin is None else {"Origin": origin}
    before = served.health()["endOffset"]
    assert served.post(event(id=f"{origin}"), headers=headers).status_code == status
    body = {**event(id=f"{origin} again"), "writeKey": served.site.write_key}
    answer = served.post(body, headers=headers, auth=None)
    assert answer.status_code == status
    taken = 2 if status == 200 else 0
    assert served.health()["endOffset"] == before + taken
    if status == 403:
        assert answer.json()["error"].startswith(f"origin {origin!r} is not one of")
        assert answer.headers["Access-Control-Allow-Origin"] == origin
