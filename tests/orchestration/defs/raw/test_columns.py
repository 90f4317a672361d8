"""Records as columns: the same values as through the contract, row by row."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import encode
from code24.event_log import Record
from orchestration.defs.raw import columns
from orchestration.defs.raw.files import RawError
from orchestration.defs.raw.schema import EVENTS

ZONES = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(
    datetime(1990, 1, 2),  # noqa: DTZ001 - bounds have none, the zone is drawn
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=ZONES | st.just(UTC),
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)
EVENT = st.builds(
    Event,
    id=TEXT,
    site_id=st.just("shop"),
    event_type=st.just("conversion"),
    goal_type=st.sampled_from(["sales", "leads"]),
    conversion_value=st.none() | st.floats(-1e9, 1e9),
    visitor_id=TEXT,
    session_id=st.none() | TEXT,
    timestamp=MOMENTS,
    sent_at=st.none() | MOMENTS,
    url=st.none() | TEXT,
    referrer=st.none() | TEXT,
    metadata=st.dictionaries(TEXT, JSON, max_size=4),
)
LOGGED = st.builds(
    LogRecord,
    event=EVENT,
    received_at=MOMENTS,
    origin=st.sampled_from(["live", "import", "replay"]),
    bot_reason=st.none() | TEXT,
)


@given(st.lists(LOGGED, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_value_is_the_one_that_the_contract_reads(
    logged: list[LogRecord],
) -> None:
    records = [Record(7 + n, encode(one)) for n, one in enumerate(logged)]

    table = columns.event_table("live", records)

    assert table.schema == EVENTS
    assert table.to_pylist() == [
        _row(record, msgspec.json.decode(record.payload, type=LogRecord))
        for record in records
    ]


def _row(record: Record, logged: LogRecord) -> dict[str, Any]:
    event = logged.event
    return {
        "event_id": event.id,
        "site_id": event.site_id,
        "event_type": event.event_type,
        "goal_type": event.goal_type,
        "conversion_value": event.conversion_value,
        "visitor_id": event.visitor_id,
        "session_id": event.session_id,
        "event_at": _utc(event.timestamp),
        "sent_at": _utc(event.sent_at) if event.sent_at else None,
        "received_at": _utc(logged.received_at),
        "url": event.url,
        "referrer": event.referrer,
        "metadata": encode(event.metadata).decode(),
        "origin": logged.origin,
        "bot_reason": logged.bot_reason,
        "log_partition": "live",
        "log_offset": record.offset,
    }


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


@given(st.lists(LOGGED, min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_dates_of_receipt_split_the_rows_and_keep_their_order(
    logged: list[LogRecord],
) -> None:
    records = [Record(n, encode(one)) for n, one in enumerate(logged)]

    parts = list(columns.by_received_date(columns.event_table("live", records)))

    assert [day for day, _ in parts] == sorted(
        {_utc(r.received_at).date() for r in logged}
    )
    found = [row for _, part in parts for row in part.to_pylist()]
    assert sorted(row["log_offset"] for row in found) == list(range(len(records)))
    for day, part in parts:
        assert {moment.date() for moment in part["received_at"].to_pylist()} == {day}
        offsets = part["log_offset"].to_pylist()
        assert offsets == sorted(offsets)


def test_the_fields_are_those_of_the_contract() -> None:
    assert _fields(columns._LoggedEvent) == _fields(Event)
    assert _fields(columns._Logged) == _fields(LogRecord)


def _fields(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    "payload",
    [b"{}", b"[", b"\xff", b'{"event": {"id": 1}}'],
)
def test_the_first_record_of_another_version_is_named(payload: bytes) -> None:
    good = encode(
        LogRecord(
            event=Event(
                id="e",
                site_id="shop",
                event_type="page_view",
                visitor_id="v",
                timestamp=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
            origin="live",
        )
    )

    with pytest.raises(RawError, match=r"'live', record 4: .* another version"):
        columns.event_table("live", [Record(3, good), Record(4, payload)])
