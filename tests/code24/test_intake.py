from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from code24.contracts.event import MAX_EVENT_BYTES, DeadLetter, LogRecord, Origin
from code24.contracts.wire import encode
from code24.event_log import EventLogError, partitions, read
from code24.intake import (
    IntakeLog,
    admit,
    dead_folder,
    dead_letter,
    encode_outcomes,
)
from code24.request_facts import RequestFacts

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
SITES = frozenset({"shop", "news"})
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
CHROME_PARTS = {"device": "desktop", "browser": "Chrome", "os": "Windows"}


def fields(**changes: Any) -> dict[str, Any]:
    basic = {
        "siteId": "shop",
        "eventType": "page_view",
        "visitorId": "v1",
        "timestamp": NOW.isoformat(),
    }
    return {**basic, **changes}


def outcome(
    body: bytes | dict[str, Any],
    origin: Origin = "live",
    expected_site: str | None = None,
    user_agent: str | None = None,
    visitor_id: str | None = None,
) -> LogRecord | DeadLetter:
    return admit(
        body,
        origin=origin,
        received_at=NOW,
        source="/v1/events",
        sites=SITES,
        expected_site=expected_site,
        facts=RequestFacts(user_agent=user_agent, visitor_id=visitor_id),
    )


def admitted(body: bytes | dict[str, Any], **options: Any) -> LogRecord:
    record = outcome(body, **options)
    assert isinstance(record, LogRecord), record
    return record


def reason(body: bytes | dict[str, Any], **options: Any) -> str:
    letter = outcome(body, **options)
    assert isinstance(letter, DeadLetter), letter
    return letter.reason


def test_an_event_is_kept_as_it_came() -> None:
    body = fields(
        id="e1", sessionId="s", url="https://shop.example/", metadata={"a": 1}
    )
    record = admitted(body)
    assert record.received_at == NOW
    assert record.origin == "live"
    assert record.bot_reason is None
    assert msgspec.to_builtins(record.event) == {
        **body,
        "timestamp": "2026-11-05T12:00:00Z",
        "goalType": None,
        "conversionValue": None,
        "sentAt": None,
        "referrer": None,
    }
    assert admitted(encode(body)) == record


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "bad_json: Input data was truncated"),
        (b"{", "bad_json: Input data was truncated"),
        (b"\xff", "bad_json: JSON is malformed"),
        (encode(fields(visitorId="?")).replace(b"?", b"\xff"), "bad_json: 'utf-8'"),
        (b"[]", "invalid: Expected `object`, got `array`"),
        (b"{}", "invalid: Object missing required field `siteId`"),
        (fields(eventType="purchase"), "invalid: Invalid enum value 'purchase'"),
        (fields(visitorId=7), "invalid: Expected `str | null`, got `int`"),
        (fields(timestamp="2026-11-05T12:00:00"), "invalid: Expected `datetime` with"),
        (fields(colour="red"), "invalid: Object contains unknown field `colour`"),
        (fields(eventType="conversion"), "invalid: goalType is required"),
        (fields(timestamp="0001-01-01T00:00:00+14:00"), "invalid: timestamp 0001"),
        (fields(metadata={"x": object()}), "invalid: Encoding objects of type object"),
        (fields(visitorId="\ud800"), "invalid: 'utf-8' codec can't encode"),
        (fields(siteId="blog"), "unknown_site: there is no site 'blog'"),
        (fields(url="x" * MAX_EVENT_BYTES), "oversized: the event has 32"),
    ],
)
def test_a_bad_event_is_a_dead_letter_with_its_reason(
    body: bytes | dict[str, Any], expected: str
) -> None:
    assert reason(body).startswith(expected)


def test_nesting_is_allowed_to_eight_levels() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: Any = 1
        for level in range(levels - 2):
            inner = [inner] if level % 2 else {"x": inner}
        return fields(metadata={"x": inner})

    assert admitted(nested(8))
    expected = "too_deep: the event is nested deeper than 8 levels"
    assert reason(nested(9)) == expected
    assert reason(b'{"metadata":{"x":' + b"[" * 30_000) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (-72, None),
        (-72.01, "too_late: timestamp 2026-11-02T11:59:24+00:00 is 72 h before"),
        (24, None),
        (24.01, "in_future: timestamp 2026-11-06T12:00:36+00:00 is 24 h after"),
    ],
)
def test_times_a_live_event_may_have(hours: float, expected: str | None) -> None:
    body = fields(timestamp=(NOW + timedelta(hours=hours)).isoformat())
    if expected is None:
        assert admitted(body)
    else:
        assert reason(body).startswith(expected)


def test_an_import_is_never_too_late_but_can_be_in_the_future() -> None:
    assert admitted(fields(timestamp="2013-01-24T00:00:00Z"), origin="import")
    assert admitted(fields(timestamp="2013-01-24T00:00:00Z"), origin="replay")
    late = reason(fields(timestamp="9999-12-31T23:59:59-14:00"), origin="import")
    assert late.startswith("in_future: timestamp 9999")
    sent = reason(fields(sentAt="9999-12-31T23:59:59-14:00"), origin="import")
    assert sent.startswith("in_future: sentAt 9999")


@pytest.mark.parametrize("skew", [-20_000, -100, 30, 20_000], ids="{}h".format)
def test_lateness_is_told_by_the_door_s_clock(skew: int) -> None:
    def by_a_wrong_clock(hours_ago: float) -> dict[str, Any]:
        sent = NOW + timedelta(hours=skew)
        happened = sent - timedelta(hours=hours_ago)
        return fields(timestamp=happened.isoformat(), sentAt=sent.isoformat())

    body = by_a_wrong_clock(71.9)
    record = admitted(body)
    assert record.event.timestamp == datetime.fromisoformat(body["timestamp"])
    expected = "too_late: timestamp 2026-11-02T11:54:00+00:00 is 72 h before"
    assert reason(by_a_wrong_clock(72.1)).startswith(expected)


@pytest.mark.parametrize("year", [1969, 2100, 9999])
def test_no_clock_shows_such_a_year(year: int) -> None:
    expected = f"invalid: sentAt {year}-12-31T00:00:00+00:00 is no time"
    assert reason(fields(sentAt=f"{year}-12-31T00:00:00Z")).startswith(expected)


def test_a_key_writes_to_its_own_site_only() -> None:
    assert admitted(fields(), expected_site="shop")
    other = reason(fields(siteId="news"), expected_site="shop")
    assert other == "wrong_site: siteId is 'news', but the write key is of 'shop'"


def test_the_id_is_derived_from_the_content_and_a_retry_has_the_same() -> None:
    first = admitted(fields(sentAt="2026-11-05T12:00:01Z")).event.id
    retry = admitted(fields(sentAt="2026-11-05T12:07:00Z"), user_agent="curl/8")
    assert first is not None
    assert len(first) == 32
    assert retry.event.id == first
    assert admitted(fields(visitorId="v2")).event.id != first
    assert admitted(fields(id="given")).event.id == "given"


def test_the_event_s_own_user_agent_wins_over_the_request_s() -> None:
    record = admitted(fields(metadata={"userAgent": CHROME}), user_agent="Googlebot")
    assert record.bot_reason is None
    assert record.event.metadata == CHROME_PARTS
    record = admitted(fields(metadata={"userAgent": "Googlebot/2.1"}))
    assert record.bot_reason == "crawler-user-agents: Googlebot\\/"
    assert record.event.metadata["userAgent"] == "Googlebot/2.1"


def test_who_sends_nothing_of_a_visitor_gets_the_request_s_id() -> None:
    body = fields(metadata={"a": 1})
    del body["visitorId"]
    record = admitted(body, visitor_id="cl-1")
    assert record.event.visitor_id == "cl-1"
    assert record.event.metadata == {"a": 1, "isCookieless": True}
    assert record.event.id == admitted(body, visitor_id="cl-1").event.id
    assert record.event.id != admitted(body, visitor_id="cl-2").event.id
    given = admitted(fields(metadata={"a": 1}), visitor_id="cl-1").event
    assert (given.visitor_id, given.metadata) == ("v1", {"a": 1})


def test_where_there_is_no_request_a_visitor_is_required() -> None:
    body = fields()
    del body["visitorId"]
    expected = "invalid: Object missing required field `visitorId`"
    assert reason(body, origin="import") == expected
    assert reason(fields(visitorId=""), visitor_id="cl-1").startswith("invalid: ")


def test_a_letter_of_an_event_says_who_sent_it_so_that_it_can_be_replayed() -> None:
    body = fields(timestamp="2026-10-01T00:00:00Z")
    del body["visitorId"]
    letter = outcome(body, visitor_id="cl-1")
    assert isinstance(letter, DeadLetter)
    assert letter.reason.startswith("too_late: ")
    replayed = admitted(letter.body.encode(), origin="replay")
    assert replayed.event.visitor_id == "cl-1"
    assert replayed.event.metadata == {"isCookieless": True}


def test_an_address_in_the_metadata_is_truncated() -> None:
    metadata = {"ip": "203.0.113.77", "user_ip": 7, "zip": "203.0.113.77"}
    assert admitted(fields(metadata=metadata)).event.metadata == {
        "ip": "203.0.113.0",
        "user_ip": None,
        "zip": "203.0.113.77",
    }


def test_the_request_s_user_agent_stands_in() -> None:
    record = admitted(fields(metadata={"browser": "Own"}), user_agent=CHROME)
    assert record.event.metadata == {**CHROME_PARTS, "browser": "Own"}


def test_only_imports_bring_a_bot_reason() -> None:
    body = fields(metadata={"botReason": "spiders list", "userAgent": CHROME})
    assert admitted(body, origin="import").bot_reason == "spiders list"
    assert admitted(body, origin="live").bot_reason is None
    odd = fields(metadata={"botReason": 1, "userAgent": 2})
    assert admitted(odd, origin="import").bot_reason is None


def test_a_dead_letter_keeps_the_body_up_to_the_limit() -> None:
    body = "ä".encode() * MAX_EVENT_BYTES
    letter = dead_letter(
        "oversized", body, origin="import", received_at=NOW, source="a.jsonl:3"
    )
    assert letter.body == "ä" * (MAX_EVENT_BYTES // 2)
    assert letter.source == "a.jsonl:3"
    broken = outcome(b'{"siteId": "\xff')
    assert isinstance(broken, DeadLetter)
    assert broken.body == '{"siteId": "\ufffd'


@given(st.binary(max_size=300))
def test_no_bytes_break_the_door(body: bytes) -> None:
    letter = outcome(body)
    assert isinstance(letter, DeadLetter)
    assert msgspec.json.decode(encode(letter), type=DeadLetter) == letter


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_whatever_is_admitted_is_read_back_the_same(metadata: dict[str, Any]) -> None:
    result = outcome(fields(metadata=metadata))
    encoded = encode_outcomes([result])
    if isinstance(result, LogRecord):
        assert msgspec.json.decode(encoded.records[0], type=LogRecord) == result
    else:
        assert result.reason.startswith(("invalid:", "too_deep:"))


def test_outcomes_are_durable_in_their_partitions(tmp_path: Path) -> None:
    good, bad = admitted(fields()), outcome(b"{")
    with IntakeLog.open(tmp_path, "import") as log:
        assert log.append(encode_outcomes([good, bad, good])) == range(2)
        assert log.end == 2
        assert log.trouble is None
    assert partitions(tmp_path) == ["import"]
    assert [r.payload for r in read(tmp_path, "import", 0)] == [encode(good)] * 2
    letters = list(read(dead_folder(tmp_path), "dead-import", 0))
    assert [letter.payload for letter in letters] == [encode(bad)]


def test_a_log_whose_dead_letters_are_held_is_left_again(tmp_path: Path) -> None:
    with (
        IntakeLog.open(tmp_path, "live"),
        pytest.raises(EventLogError, match="is writing it"),
    ):
        IntakeLog.open(tmp_path, "live")
    with IntakeLog.open(tmp_path, "live") as log:
        assert log.end == 0
