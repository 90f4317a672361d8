"""The built script as the collector serves it: small, cached, explained if absent."""

import asyncio
import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.tracker.script import BUILT, MAX_GZIPPED_BYTES, TrackerScript
from code24.settings import HOST, Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def address(collecting: Settings) -> str:
    return f"http://{HOST}:{collecting.ports.collector}/code24.js"


def test_it_stays_within_its_budget(address: str) -> None:
    with httpx.stream("GET", address) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent) == BUILT.read_bytes()
    assert len(sent) <= MAX_GZIPPED_BYTES
    manual = (ROOT / "docs" / "tracker.md").read_text(encoding="utf-8")
    assert f"{MAX_GZIPPED_BYTES:,} bytes" in manual


def test_a_browser_keeps_it_and_asks_whether_it_has_changed(address: str) -> None:
    first = httpx.get(address)
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "max-age=3600" in first.headers["cache-control"]
    tag = first.headers["etag"]
    again = httpx.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    other = httpx.get(address, headers={"If-None-Match": 'W/"other"'})
    assert other.content == first.content
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    assert httpx.head(address).status_code == 200


def test_a_page_of_any_origin_may_load_it(address: str) -> None:
    answer = httpx.get(address, headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] in (
        "*",
        "https://shop.example",
    )
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_what_is_not_built_says_what_builds_it(tmp_path: Path) -> None:
    path = tmp_path / "code24.js"
    script = TrackerScript(path)
    answer = _asked(script)
    assert answer.status_code == 503
    assert "is not built" in answer.text
    assert "make setup" in answer.text
    path.write_text("first()")
    assert _asked(script).text == "first()"
    path.write_text("second()")
    assert _asked(script).text == "second()"


def _asked(script: TrackerScript) -> httpx.Response:
    app = Starlette(routes=[Route("/code24.js", script.answer)])

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get("http://collector/code24.js")

    return asyncio.run(ask())


def test_it_names_no_address_and_runs_no_text() -> None:
    built = BUILT.read_text(encoding="utf-8")
    assert re.findall(r"https?://", built) == []
    assert re.findall(r"\beval\(|new Function|innerHTML|document\.write\(", built) == []


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "app" / "tracker" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "://" not in lock
