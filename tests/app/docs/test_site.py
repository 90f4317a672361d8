"""The documentation server over real HTTP: built, not built, absent pages."""

from collections.abc import Iterator

import httpx
import pytest

from code24.settings import Settings
from tests.app.serving import running


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    with running("docs", settings) as base:
        yield base


@pytest.mark.parametrize(
    ("path", "what"), [("/", "manual"), ("/dbt/", "dbt documentation")]
)
def test_what_is_not_built_says_what_builds_it(
    address: str, path: str, what: str
) -> None:
    answer = httpx.get(address + path)
    assert answer.status_code == 404
    assert f"The {what} is built by <code>make up</code>" in answer.text


def test_what_is_built_later_is_served(address: str, settings: Settings) -> None:
    assert httpx.get(address).status_code == 404
    (settings.docs / "dbt").mkdir()
    (settings.docs / "index.html").write_text("<h1>The manual</h1>")
    (settings.docs / "dbt" / "index.html").write_text("<h1>Lineage</h1>")
    assert "The manual" in httpx.get(address).text
    assert "Lineage" in httpx.get(f"{address}/dbt", follow_redirects=True).text
    assert "No such page" in httpx.get(f"{address}/nowhere/").text


def test_nothing_outside_the_folder_is_served(address: str, settings: Settings) -> None:
    (settings.home / "secret.txt").write_text("secret")
    answer = httpx.get(f"{address}/%2e%2e/secret.txt")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.txt", "")
