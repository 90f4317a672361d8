import base64
import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from code24.contracts.event import MAX_BATCH_BYTES, Event
from code24.contracts.wire import encode
from tests.app.collector.serving import Served, dead_letters, event, logged, new_site


def test_one_event_is_answered_and_in_the_log(served: Served) -> None:
    before = len(logged(served.settings))
    sent = event(1)
    answer = served.post(sent)
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "rejected": []}
    [record] = logged(served.settings, before)
    assert record.event == msgspec.convert(sent, Event)
    assert record.origin == "live"


def test_a_batch_may_bring_its_key_and_any_content_type(served: Served) -> None:
    before = len(logged(served.settings))
    body = {
        "writeKey": served.site.write_key,
        "events": [event(number) for number in range(100, 120)],
    }
    answer = served.post(body, auth=None, headers={"Content-Type": "text/plain"})
    assert answer.json() == {"accepted": 20, "rejected": []}
    events = [record.event.id for record in logged(served.settings, before)]
    assert events == [f"e{number}" for number in range(100, 120)]


def test_a_single_event_may_bring_its_key(served: Served) -> None:
    before = len(logged(served.settings))
    sent = event(202)
    answer = served.post({**sent, "writeKey": served.site.write_key}, auth=None)
    assert answer.json()["accepted"] == 1
    [record] = logged(served.settings, before)
    assert record.event == msgspec.convert(sent, Event)


def test_an_empty_batch_is_nothing(served: Served) -> None:
    assert served.post({"events": []}).json() == {"accepted": 0, "rejected": []}


def test_bad_events_are_dead_letters_and_the_rest_goes_on(served: Served) -> None:
    before = len(logged(served.settings))
    buried = len(dead_letters(served.settings))
    bad = [
        event(siteId="other"),
        event(eventType="purchase"),
        event(timestamp="2001-01-01T00:00:00Z"),
        event(metadata={"text": "x" * 40_000}),
    ]
    batch = [event(301), *bad, event(302)]
    answer = served.post({"events": batch}).json()
    assert answer["accepted"] == 2
    assert [each["index"] for each in answer["rejected"]] == [1, 2, 3, 4]
    codes = [each["reason"].partition(":")[0] for each in answer["rejected"]]
    assert codes == ["wrong_site", "invalid", "too_late", "oversized"]
    kept = [record.event.id for record in logged(served.settings, before)]
    assert kept == ["e301", "e302"]
    letters = dead_letters(served.settings)[buried:]
    assert [letter.reason for letter in letters] == [
        each["reason"] for each in answer["rejected"]
    ]
    assert msgspec.json.decode(letters[0].body) == bad[0]
    assert {letter.source for letter in letters} == {"/v1/events"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_json: Input data was truncated"),
        (b'{"events": [', "bad_json: Input data was truncated"),
        (b'{"\xff": 1}', "bad_json: "),
        (b'[{"siteId": "shop"}]', "invalid: Expected `object`, got `array`"),
        (b'{"events": {}}', "invalid: Expected `array`, got `object`"),
        (b'{"events": [], "batch": 1}', "invalid: unknown fields beside events"),
        (b'{"events": [], "writeKey": 7}', "invalid: Expected `str`, got `int`"),
        (b'{"events": ' + b"[" * 100_000, "too_deep: "),
    ],
)
def test_a_body_that_holds_no_events_is_one_dead_letter(
    served: Served, body: bytes, reason: str
) -> None:
    answer = served.post(body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(reason)
    letter = dead_letters(served.settings)[-1]
    assert letter.reason == answer.json()["error"]
    assert letter.body == body[: 32 * 1024].decode(errors="replace")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic " + base64.b64encode(b"wk_unknown:").decode(),
        "Basic ?",
        "Basic /w==",
        "Bearer wk",
        "",
    ],
)
def test_without_a_known_key_nothing_is_taken(
    served: Served, header: str | None
) -> None:
    before = taken(served)
    headers = {} if header is None else {"Authorization": header}
    answer = served.post(event(), auth=None, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "key" in answer.json()["error"] or "Basic" in answer.json()["error"]
    unknown = served.post({"writeKey": "wk_unknown", **event()}, auth=None)
    assert unknown.status_code == 401
    assert taken(served) == before


def taken(served: Served) -> list[int]:
    health = served.health()
    return [health[name] for name in ("accepted", "rejected", "endOffset")]


def test_a_site_added_a_moment_ago_is_known(served: Served) -> None:
    site = new_site(served.settings, "blog")
    answer = served.post(event(siteId="blog"), auth=(site.write_key, ""))
    assert answer.json() == {"accepted": 1, "rejected": []}


def test_too_large_a_body_is_refused_whole(served: Served) -> None:
    before = served.health()["endOffset"]
    body = encode({"events": [event()], "pad": "x" * MAX_BATCH_BYTES})
    answer = served.post(body)
    assert answer.status_code == 413
    assert answer.json() == {"error": "the body is larger than 512000 bytes; send less"}
    assert served.post(b" " * 8_000_000).status_code == 413
    assert served.client.post("/v1/events", content=_chunks(body)).status_code == 413
    many = served.post({"events": [{}] * 2_001})
    assert many.status_code == 413
    assert many.json()["error"].startswith("2001 events in one request")
    assert served.health()["endOffset"] == before


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def test_gzip_is_inflated_and_nothing_else(served: Served) -> None:
    zipped = gzip.compress(encode(event()))
    assert gzipped(served, zipped).json() == {"accepted": 1, "rejected": []}
    answer = served.post(event(), headers={"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert "'br'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (gzip.compress(b" " * 50_000_000), 413, "the body is larger than 512000"),
        (b"{}", 400, "bad_gzip: Error -3"),
        (gzip.compress(b"{}")[:-4], 400, "bad_gzip: the body is not one whole"),
        (gzip.compress(b"{}") * 2, 400, "bad_gzip: the body is not one whole"),
        (b"", 400, "bad_gzip: the body is not one whole"),
    ],
)
def test_what_is_no_gzip_or_grows_too_large_is_refused(
    served: Served, body: bytes, status: int, expected: str
) -> None:
    answer = gzipped(served, body)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(expected)


def gzipped(served: Served, body: bytes) -> httpx.Response:
    return served.post(body, headers={"Content-Encoding": "gzip"})


def test_any_page_may_ask_and_read_the_answer(served: Served) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = served.client.options("/v1/events", headers=asked)
    assert preflight.status_code == 200
    allowed = preflight.headers
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    assert allowed["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    for body in (event(), b"{"):
        answer = served.post(body, headers={"Origin": "https://shop.example"})
        told = answer.headers["Access-Control-Allow-Origin"]
        assert told == "https://shop.example"
        assert answer.headers["Vary"] == "Origin"


def test_a_visitor_without_id_is_one_visitor_of_the_day(served: Served) -> None:
    before = len(logged(served.settings))
    bare = {name: value for name, value in event().items() if name != "visitorId"}
    bare["id"] = None
    for browser in ("Firefox", "Firefox", "Safari"):
        metadata = {"n": len(logged(served.settings))}
        answer = served.post(
            {**bare, "metadata": metadata}, headers={"User-Agent": browser}
        )
        assert answer.json()["accepted"] == 1
    first, second, other = (each.event for each in logged(served.settings, before))
    assert first.visitor_id == second.visitor_id != other.visitor_id
    assert first.visitor_id.startswith("cl-")
    assert first.metadata["isCookieless"] is True


@pytest.mark.parametrize(
    ("metadata", "device", "reason"),
    [
        ({}, "bot", "ua-parser: Xbot"),
        ({"userAgent": "Mozilla/5.0 (iPhone) Mobile/1"}, "mobile", None),
    ],
)
def test_the_request_s_user_agent_stands_in(
    served: Served, metadata: dict[str, Any], device: str, reason: str | None
) -> None:
    before = len(logged(served.settings))
    sent = event(id=f"by-{reason}", metadata=metadata)
    served.post(sent, headers={"User-Agent": "Xbot/1.0"})
    [record] = logged(served.settings, before)
    assert record.event.metadata["device"] == device
    assert record.bot_reason == reason


def test_other_paths_and_methods_are_answered_in_the_same_form(served: Served) -> None:
    assert served.client.get("/").json() == {"error": "Not Found"}
    answer = served.client.get("/v1/events")
    assert answer.status_code == 405
    assert answer.json() == {"error": "Method Not Allowed"}


def test_health_tells_what_was_taken(served: Served) -> None:
    before = served.health()
    served.post({"events": [event(401), event(402), {}]})
    after = served.health()
    assert after["status"] == "ok"
    assert after["reason"] is None
    assert after["accepted"] == before["accepted"] + 2
    assert after["rejected"] == before["rejected"] + 1
    assert after["endOffset"] == before["endOffset"] + 2
    assert after["waitingBytes"] == 0


def test_a_duplicate_is_accepted_counted_and_not_written_again(served: Served) -> None:
    before, records = served.health(), len(logged(served.settings))
    sent = [event(id=f"twice-{number}") for number in range(3)]
    assert served.post({"events": [*sent, sent[0]]}).json()["accepted"] == 4
    assert served.post({"events": [*sent, event(id="new")]}).json()["accepted"] == 4
    after = served.health()
    assert len(logged(served.settings)) == records + 4
    assert after["duplicates"] == before["duplicates"] + 4
    assert after["accepted"] == before["accepted"] + 8
    assert after["countedOffset"] == after["endOffset"] == before["endOffset"] + 4


def test_another_site_may_use_the_same_id(served: Served) -> None:
    blog = new_site(served.settings, "same-ids")
    before = len(logged(served.settings))
    served.post(event(id="shared"))
    other = event(id="shared", siteId="same-ids")
    served.post(other, auth=(blog.write_key, ""))
    assert len(logged(served.settings)) == before + 2


def test_metrics_are_in_prometheus_text_and_count_what_came(served: Served) -> None:
    def metrics() -> dict[str, float]:
        answer = served.client.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {
            sample.name + "".join(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    before = metrics()
    bot = event(id="bot", metadata={"userAgent": "Examplebot/1.0"})
    batch = [event(id="m1"), event(id="m1"), bot, {}, event(eventType="purchase")]
    served.post({"events": batch})
    after = metrics()

    def more(name: str) -> float:
        name = f"code24_collector_{name}"
        return after[name] - before.get(name, 0)

    assert more("accepted_total") == 3
    assert more("rejected_totalinvalid") == 2
    assert more("duplicates_total") == 1
    assert more("bots_total") == 1
    assert more("bytes_total") > 500
    assert more("commit_seconds_count") == more("commit_records_count") == 1
    assert more("end_offset") == more("lag_records") == 2
    assert after["code24_collector_lag_seconds"] > 0
    assert after["code24_collector_free_bytes"] > 0
    assert (
        after["code24_collector_live_entriesids"]
        == after["code24_collector_end_offset"]
    )


def refused(served: Served) -> dict[tuple[str, str, str], float]:
    answer = served.client.get("/metrics")
    return {
        (labels["protocol"], labels["reason"], labels["status"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "code24_collector_refused_requests_total"
        for labels in [sample.labels]
    }


def test_requests_refused_whole_are_counted_by_protocol_and_reason(
    served: Served,
) -> None:
    client = served.client
    before = refused(served)
    client.post("/v1/events", content=b"{}")
    client.post("/v1/events", content=b"{}", auth=("nobody", ""))
    client.post("/v1/batch", json={"batch": []}, headers={"Authorization": "Bearer x"})
    served.post(b"{")
    served.post(b"x" * 600_000)
    served.post({"events": [{}] * 2_001})
    served.post(b"{}", headers={"Content-Encoding": "br"})
    client.get("/v1/events")
    client.get("/v1/nothing")
    client.post("/api/event", json={"n": "pageview", "d": "elsewhere.example"})
    after = refused(served)
    assert {key for key in after if after[key] == before.get(key, 0) + 1} == {
        ("native", "no_key", "401"),
        ("native", "unknown_key", "401"),
        ("segment", "bad_key", "401"),
        ("native", "bad_json", "400"),
        ("native", "too_large", "413"),
        ("native", "too_many", "413"),
        ("native", "encoding", "415"),
        ("native", "method", "405"),
        ("none", "route", "404"),
        ("plausible", "unknown_key", "202"),
    }
