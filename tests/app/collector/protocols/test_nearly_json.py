"""One value that is no JSON costs no other event of its batch."""

import json
from typing import Any

import pytest
import segment.analytics as segment

from tests.app.collector.serving import Served, event, logged


@pytest.mark.parametrize("value", ["NaN", "-Infinity", '"cut \\ud83d"'])
def test_the_rest_of_a_batch_goes_on(served: Served, value: str) -> None:
    before = len(logged(served.settings))
    name = f"odd-{value[:3]}"
    events = [event(1, id=f"{name}-1"), event(2, id=f"{name}-2", metadata={"x": "Y"})]
    native = json.dumps({"events": events}).replace('"Y"', value)
    assert served.post(native.encode()).json()["accepted"] == 2
    calls = [
        {"type": "track", "event": "A", "userId": "7", "messageId": f"{name}-3"},
        {
            "type": "track",
            "event": "B",
            "userId": "7",
            "messageId": f"{name}-4",
            "properties": {"x": "Y"},
        },
    ]
    batch = json.dumps({"batch": calls}).replace('"Y"', value)
    key = (served.site.write_key, "")
    answer = served.client.post("/v1/batch", content=batch.encode(), auth=key)
    assert answer.json() == {"success": True}
    found = {one.event.id: one.event for one in logged(served.settings, before)}
    assert set(found) == {f"{name}-{number}" for number in range(1, 5)}
    expected = "cut \ufffd" if value.startswith('"') else None
    assert found[f"{name}-4"].metadata.get("x") == expected


def test_a_number_that_is_none_from_a_real_client(served: Served) -> None:
    before = len(logged(served.settings))
    errors: list[Any] = []
    client = segment.Client(
        served.site.write_key,
        host=str(served.client.base_url),
        on_error=lambda error, _items: errors.append(error),
        max_retries=1,
    )
    client.track("7", "Rated", {"stars": float("nan")}, message_id="nan-1")
    client.track("7", "Read", {"pages": 3}, message_id="nan-2")
    client.flush()
    client.join()
    assert errors == []
    found = {one.event.id for one in logged(served.settings, before)}
    assert found == {"nan-1", "nan-2"}
