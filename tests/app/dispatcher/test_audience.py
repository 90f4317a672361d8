"""What a page is told of one person, over HTTP."""

import httpx
import pytest

from code24.audience.layout import AudienceLayout
from code24.contracts.wire import encode
from code24.settings import Settings
from tests.app.dispatcher.serving import address, features, health, serving, until
from tests.code24.releasing import ReleaseHome, shard
from tests.code24.test_audience import Place, member


def ask(settings: Settings, body: object, key: str = "ck_shop") -> httpx.Response:
    return httpx.post(f"{address(settings)}/v1/audience/{key}", json=body)


def told(settings: Settings, unit_id: str) -> object:
    answer = ask(settings, {"unitId": unit_id})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


@pytest.fixture
def place(settings: Settings, home: ReleaseHome) -> Place:
    home.publish(shard("shop"), shard("blog"))
    return Place(AudienceLayout(settings.releases, "shop"), settings.keys)


def test_a_page_is_told_follows_and_survives_a_damaged_file(
    settings: Settings, home: ReleaseHome, place: Place
) -> None:
    nothing: dict[str, object] = {"madeAt": None, "recommendations": [], "actions": []}
    with serving(settings):
        assert told(settings, "ada") == nothing
        place.publish()
        assert encode(told(settings, "ada")) == encode(
            {
                "madeAt": "2026-01-02T03:04:05Z",
                "recommendations": member("ada").recommendations,
                "actions": member("ada").actions,
            }
        )
        assert told(settings, "zoe") == nothing
        place.publish(["zoe"])
        assert told(settings, "ada") == nothing
        place.layout.head.write_bytes(b"{}")
        assert told(settings, "zoe") != nothing
        found = health(settings)
        assert found is not None
        assert "shop.json: damaged" in found["reason"]
        home.publisher.set_switches(["shop"], [])
        until(lambda: features(settings) == {})
        assert told(settings, "zoe") == nothing


def test_what_cannot_be_told_is_refused(settings: Settings, place: Place) -> None:
    place.publish()
    with serving(settings):
        assert ask(settings, {"unitId": "ada"}, "ck_gone").status_code == 404
        assert ask(settings, {"unitId": ""}).status_code == 400
        assert ask(settings, {"unitId": "x" * 600}).status_code == 400
        assert ask(settings, {"unitId": "x" * 70_000}).status_code == 413
        (settings.keys / "audience.salt").unlink()
        answer = ask(settings, {"unitId": "ada"}).json()
        assert answer["recommendations"] == []
        found = health(settings)
        assert found is not None
        assert "copy it from the machine that publishes" in found["reason"]
