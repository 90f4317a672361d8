"""Our models against the answer key of the Snowplow sample.

Every deliberate difference is in ``DELIBERATE`` under the name that
docs/snowplow-comparison.md explains it by; any other one fails.
"""

from collections.abc import Iterator

import pytest

from cli.importers.transfer import run_import
from code24.settings import PROJECT_ROOT, Settings
from code24.state import open_state
from code24.state.snapshot import tables
from orchestration.defs.raw.drain import drain
from tests.dbt_project.answer_key import (
    Column,
    Difference,
    Key,
    Row,
    boolean,
    differences,
    expected_rows,
    lower,
    moment,
    text,
    whole,
)
from tests.dbt_project.warehouse import Warehouse

SAMPLE = PROJECT_ROOT / "data" / "sample" / "snowplow"
DOCUMENT = PROJECT_ROOT / "docs" / "snowplow-comparison.md"

DELIBERATE: dict[str, set[tuple[object, ...]]] = {
    "late-import": {
        ("page_views", "000362..2b03", None, None, "a row"),
        ("sessions", "7edb16..66fc", None, None, "a row"),
        ("users", "9341fb..d273", None, None, "a row"),
    },
    "page-view-without-id": {
        ("page_views", "b08330..df78", None, None, "a row"),
        ("sessions", "e79711..74e8", None, None, "a row"),
        ("users", "ff7476..a0bb", None, None, "a row"),
    },
    "visitor-without-cookie": {
        ("page_views", "4e6e7a..e80c", "domain_userid", None, "a66d14..86c9"),
        ("sessions", "b5c493..1a3b", "domain_userid", None, "a66d14..86c9"),
        ("users", "a66d14..86c9", None, None, "a row"),
    },
    "parts-of-an-address": {
        ("page_views", "88103a..2b86", "page_urlscheme", "http-d..-row", "http"),
        ("page_views", "eea978..eaa7", "page_urlscheme", "http-d..-row", "http"),
    },
    "engaged-by-a-page-view": {
        ("sessions", "4d34b5..d7ae", "is_engaged", True, False),
        ("sessions", "79831f..0a08", "is_engaged", True, False),
        ("sessions", "93c111..acc8", "is_engaged", True, False),
        ("sessions", "b5c493..1a3b", "is_engaged", True, False),
        ("sessions", "d21c00..b12d", "is_engaged", True, False),
        ("sessions", "df2bf4..3b32", "is_engaged", True, False),
    },
    "engaged-without-a-reason": {
        ("sessions", "0b0c7b..140e", "is_engaged", True, False),
    },
    "quarantined-after-months": {
        ("quarantined_sessions", "d21c00..b12d", None, None, "a row"),
        ("quarantined_sessions", "6b379f..4291", None, None, "a row"),
    },
}
LCP_ROUNDING = 0.002
"""Seconds: the key rounds up to the millisecond twice (``rounded-percentiles``)."""
ROUNDING = 0.001
"""The key rounds the percentile up to three decimals."""

PAGE_VIEWS = (
    Column("event_id", "event_id", text),
    Column("domain_userid", "visitor_id", text),
    Column("domain_sessionid", "session_id", text),
    Column("page_view_in_session_index", "page_view_in_session_index", whole),
    Column("page_views_in_session", "page_views_in_session", whole),
    Column("start_tstamp", "started_at", moment),
    Column("end_tstamp", "ended_at", moment),
    Column("engaged_time_in_s", "engaged_seconds", whole),
    Column("absolute_time_in_s", "absolute_seconds", whole),
    Column("horizontal_pixels_scrolled", "horizontal_pixels_scrolled", whole),
    Column("vertical_pixels_scrolled", "vertical_pixels_scrolled", whole),
    Column("horizontal_percentage_scrolled", "horizontal_percent_scrolled", whole),
    Column("vertical_percentage_scrolled", "vertical_percent_scrolled", whole),
    Column("page_title", "title", text),
    Column("page_url", "url", text),
    Column("page_urlscheme", "url_scheme", text),
    Column("page_urlhost", "url_host", text),
    Column("page_urlpath", "url_path", text),
    Column("page_urlquery", "url_query", text),
    Column("page_urlfragment", "url_fragment", text),
    Column("page_referrer", "referrer", text),
    Column("geo_country", "country", text),
    Column("device_class", "device", lower),
    Column("spider_or_robot", "is_bot", boolean),
)
ENDS = (
    Column("page_views", "page_views", whole),
    Column("engaged_time_in_s", "engaged_seconds", whole),
    Column("first_page_title", "first_page_title", text),
    Column("first_page_url", "first_page_url", text),
    Column("last_page_title", "last_page_title", text),
    Column("last_page_url", "last_page_url", text),
    Column("referrer", "referrer", text),
)
SESSIONS = (
    *ENDS,
    Column("domain_userid", "visitor_id", text),
    Column("start_tstamp", "started_at", moment),
    Column("end_tstamp", "ended_at", moment),
    Column("total_events", "events", whole),
    Column("is_engaged", "is_engaged", boolean),
    Column("absolute_time_in_s", "absolute_seconds", whole),
    Column("geo_country", "country", text),
    Column("device_class", "device", lower),
)
USERS = (
    *ENDS,
    Column("start_tstamp", "first_seen_at", moment),
    Column("end_tstamp", "last_seen_at", moment),
    Column("sessions", "sessions", whole),
)
PAGE_VIEWS_WITH_FLAG = """
select page_views.*, events.is_bot
from marts.fct_page_views as page_views
inner join staging.stg_events as events using (site_id, event_id)
"""
TABLES = {
    "page_views": (
        PAGE_VIEWS_WITH_FLAG,
        Column("page_view_id", "page_view_id", text),
        PAGE_VIEWS,
    ),
    "sessions": (
        "from marts.fct_sessions",
        Column("domain_sessionid", "session_id", text),
        SESSIONS,
    ),
    "users": (
        "from marts.dim_visitors",
        Column("domain_userid", "visitor_id", text),
        USERS,
    ),
    "quarantined_sessions": (
        "from intermediate.int_sessions where is_quarantined",
        Column("session_id", "session_id", text),
        (),
    ),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("snowplow") / "home")
    settings = Settings(home=warehouse.home)
    run_import(settings, SAMPLE)
    drain(settings.log, settings.raw)
    with open_state(settings.database_url) as state:
        warehouse.snapshot(**tables(state))
    warehouse.dbt("build", "--vars", "web_vital_days: 999")
    return warehouse


def test_nothing_differs_but_what_is_meant_to(warehouse: Warehouse) -> None:
    found = {
        shown
        for table, (query, key, columns) in TABLES.items()
        for shown in map(
            _shown, differences(table, _keyed(warehouse, query, key), key, columns)
        )
    }

    assert found == {one for cells in DELIBERATE.values() for one in cells}


def test_sessions_engaged_by_a_page_view_alone_are_so_by_the_keys_configuration() -> (
    None
):
    converted = {
        _short(row["domain_sessionid"])
        for row in expected_rows("sessions")
        if boolean(row["cv_view_page_converted"])
    }

    assert {one[1] for one in DELIBERATE["engaged-by-a-page-view"]} <= converted
    assert not {one[1] for one in DELIBERATE["engaged-without-a-reason"]} & converted


def test_sessions_of_a_campaign_have_the_keys_channel(warehouse: Warehouse) -> None:
    columns = ("mkt_source", "mkt_medium", "mkt_campaign", "default_channel_group")
    expected = {
        row["domain_sessionid"]: tuple(row[column] for column in columns)
        for row in expected_rows("sessions")
        if row["mkt_source"]
    }
    ours = {
        session: found
        for session, *found in warehouse.query(
            "select session_id, traffic_source, traffic_medium, campaign, channel "
            "from marts.fct_sessions"
        )
    }

    assert len(expected) == 2
    assert {one: tuple(ours[one]) for one in expected} == expected


def test_web_vitals_agree(warehouse: Warehouse) -> None:
    ours = {
        _measurement(row): (row["measurements"], row["rating"], row["p75"])
        for row in warehouse.rows("from marts.mart_web_vitals where metric != 'fcp'")
    }
    expected = dict(_expected_measurements())

    assert ours.keys() == expected.keys()
    for key, (measurements, rating, percentile) in ours.items():
        is_lcp = key[-1] == "lcp"
        value = percentile / 1000 if is_lcp else percentile
        rounding = LCP_ROUNDING if is_lcp else ROUNDING
        assert (measurements, rating) == expected[key][:2], key
        assert 0 <= expected[key][2] - value + 1e-9 <= rounding, key


def test_the_document_explains_every_difference() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    missing = [
        name
        for name in (*DELIBERATE, "rounded-percentiles")
        if f"`{name}`" not in document
    ]
    assert not missing


def _keyed(warehouse: Warehouse, query: str, key: Column) -> dict[Key, Row]:
    return {(row[key.ours],): row for row in warehouse.rows(query)}


def _shown(one: Difference) -> tuple[object, ...]:
    return (
        one.table,
        *map(_short, one.key),
        one.column,
        _short(one.expected),
        _short(one.found),
    )


def _short(value: object) -> object:
    is_long = isinstance(value, str) and len(value) > 12
    return f"{value[:6]}..{value[-4:]}" if is_long else value  # type: ignore[index]


def _measurement(row: Row) -> tuple[str, ...]:
    columns = ("measurement_type", "page_url", "device", "country", "date_day")
    return (*(str(row[column]) for column in columns), row["metric"])


def _expected_measurements() -> Iterator[
    tuple[tuple[str, ...], tuple[int, str, float]]
]:
    for row in expected_rows("web_vitals"):
        period = row["time_period"]
        day = "None" if period.startswith("last") else period[:10]
        kept = (row["measurement_type"], row["page_url"], row["device_class"])
        for metric in ("lcp", "fid", "cls", "ttfb", "inp"):
            yield (
                (*kept, row["geo_country"], day, metric),
                (
                    int(row["page_view_count"]),
                    row[f"{metric}_result"],
                    float(row[f"{metric}_75p"]),
                ),
            )
