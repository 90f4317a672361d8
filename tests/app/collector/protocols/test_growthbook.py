"""GrowthBook's ingestion endpoint beyond what its plug-ins send by themselves."""

from typing import Any

import httpx
import pytest

from tests.app.collector.serving import Served, dead_letters, logged


def send(served: Served, events: Any, key: str | None = None) -> httpx.Response:
    query = {"client_key": served.site.client_key if key is None else key}
    return served.client.post("/track", params=query, json=events)


def exposure(**properties: Any) -> dict[str, Any]:
    basic = {"experimentId": "headline", "variationId": "1", "hashAttribute": "id"}
    return {
        "event_name": "Experiment Viewed",
        "properties_json": {**basic, "hashValue": "unit-1", **properties},
        "sdk_language": "js",
        "url": "https://shop.example/",
        "user_id": None,
        "device_id": "device-1",
    }


@pytest.mark.parametrize(
    ("attribute", "value", "is_kept"),
    [
        ("id", "unit-1", True),
        ("deviceId", "unit-1", True),
        ("anonymous_id", "unit-1", True),
        ("id", "ada@shop.example", False),
        ("user_id", "7", True),
        ("email", "Ada@Shop.example", False),
        ("phone", "+44 20 7946 0018", False),
        ("company", "Acme", True),
    ],
)
def test_a_unit_that_says_who_somebody_is_is_hashed(
    served: Served, attribute: str, value: str, is_kept: bool
) -> None:
    before = len(logged(served.settings))
    send(served, [exposure(hashAttribute=attribute, hashValue=value)])
    [record] = logged(served.settings, before)
    unit = record.event.metadata["unitId"]
    assert record.event.visitor_id == unit
    assert (unit == value) is is_kept
    assert unit.startswith("u-") is not is_kept


def test_one_event_and_a_list_with_bad_ones(served: Served) -> None:
    before = len(logged(served.settings))
    letters = len(dead_letters(served.settings))
    assert send(served, exposure()).json() == {"accepted": 1, "rejected": []}
    bad = [7, {}, {"event_name": "x"}]
    answer = send(served, [*bad, exposure()])
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    assert [each["index"] for each in answer.json()["rejected"]] == [0, 1, 2]
    assert len(logged(served.settings)) == before + 2
    assert len(dead_letters(served.settings)) == letters + 3


def test_equal_events_of_one_list_are_so_many_events(served: Served) -> None:
    before = len(logged(served.settings))
    click = {"event_name": "Clicked", "properties_json": {}, "device_id": "d-1"}
    send(served, [click, click, click])
    assert len(logged(served.settings)) == before + 3


def test_keys_other_than_the_client_key_are_401(served: Served) -> None:
    assert send(served, [exposure()], "ck_wrong").status_code == 401
    assert send(served, [exposure()], served.site.write_key).status_code == 401
    assert served.client.post("/track", json=[exposure()]).status_code == 401


def test_no_body_is_400(served: Served) -> None:
    url = f"/track?client_key={served.site.client_key}"
    assert served.client.post(url, content=b"").status_code == 400
    assert served.client.post(url, json="x").status_code == 400
