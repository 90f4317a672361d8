"""The Snowplow importer, on the sample and on rows of its kind."""

import csv
import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
)
from cli.importers.snowplow import IMPORTER
from code24.contracts.event import Event
from code24.personal import Pseudonyms
from code24.settings import PROJECT_ROOT

SAMPLE = PROJECT_ROOT / "data" / "sample" / "snowplow"
ROW = {
    "event_id": "e1",
    "event_name": "link_click",
    "collector_tstamp": "2024-05-01 10:00:01",
    "derived_tstamp": "2024-05-01 10:00:00.5",
    "domain_userid": "u1",
    "user_ipaddress": "192.0.2.7",
}


def read(path: Path, site_id: str | None = None) -> list[ImportItem]:
    return list(IMPORTER.read(path, Request(site_id)))


def write(path: Path, *rows: dict[str, str]) -> Path:
    columns = {name: "" for row in rows for name in row}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def events(items: list[ImportItem]) -> list[Event]:
    rows = [item for item in items if isinstance(item, EventRow)]
    assert len(rows) == len(items)
    return [msgspec.convert(row.body, Event) for row in rows]


def test_every_row_of_the_sample_is_an_event() -> None:
    found = events(read(SAMPLE))

    names = Counter(e.metadata.get("name", e.event_type) for e in found)
    assert names["page_view"] == 50
    assert names["engagement"] == 8
    assert names["consent"] == 32
    assert names["cmp_visible"] == 33
    assert names["web_vital"] == 1000
    assert names.total() == 1160


def test_the_earliest_collected_of_a_repeated_id_comes_first() -> None:
    found = events(read(SAMPLE))

    collected = [e.metadata["collectedAt"] for e in found]
    assert collected == sorted(collected)
    ids = Counter(e.id for e in found)
    assert sorted(n for n in ids.values() if n > 1) == [2, 2, 2]


def test_web_vitals_do_not_share_ids_with_other_events() -> None:
    found = events(read(SAMPLE))

    vitals = [e for e in found if e.metadata.get("name") == "web_vital"]
    others = {e.id for e in found if e not in vitals}
    assert len({e.id for e in vitals}) == 1000
    assert not others & {e.id for e in vitals}
    assert vitals[0].metadata["lcp"] == 1908


def test_consent_carries_choice_and_scopes() -> None:
    consent = [e for e in events(read(SAMPLE)) if e.metadata.get("name") == "consent"]

    assert {e.metadata["choice"] for e in consent} == {
        "allow_all",
        "allow_selected",
        "deny_all",
    }
    assert all("necessary" in e.metadata["consentScopes"] for e in consent)


def test_an_address_is_carried_neither_by_events_nor_by_bad_rows(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "e.csv", ROW, {**ROW, "event_id": "e2", "event_name": ""})

    event, bad = read(path)

    assert isinstance(event, EventRow)
    assert isinstance(bad, BadRow)
    assert bad.source == "e.csv:3"
    assert bad.reason == "invalid: event_name is empty"
    assert "192.0.2.7" not in f"{event.body!r}{bad.body}"


def test_who_has_no_cookie_is_known_by_the_network_id(tmp_path: Path) -> None:
    row = {**ROW, "domain_userid": "", "network_userid": "n1"}

    (event,) = events(read(write(tmp_path / "e.csv", row), "shop"))

    assert (event.site_id, event.visitor_id) == ("shop", "n1")
    assert event.metadata["visitorFrom"] == "network_userid"


@pytest.mark.parametrize(
    ("column", "context", "reason"),
    [
        (
            "contexts_com_iab_snowplow_spiders_and_robots_1_0_0",
            {"spiderOrRobot": True, "reason": "FAILED_UA_INCLUDE"},
            "iab: FAILED_UA_INCLUDE",
        ),
        (
            "contexts_com_iab_snowplow_spiders_and_robots_1_0_0",
            {"spider_or_robot": "true"},
            "iab: spider or robot",
        ),
        (
            "contexts_nl_basjes_yauaa_context_1_0_0",
            {"agentClass": "Robot Mobile"},
            "yauaa: Robot Mobile",
        ),
    ],
)
def test_a_bot_is_flagged_with_the_reason(
    tmp_path: Path, column: str, context: dict[str, object], reason: str
) -> None:
    path = write(tmp_path / "e.csv", {**ROW, column: json.dumps([context])})

    (event,) = events(read(path))

    assert event.metadata["botReason"] == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": ""}, "invalid: event_id is empty"),
        ({"derived_tstamp": "soon"}, "invalid: Invalid isoformat string: 'soon'"),
        (
            {"domain_userid": ""},
            "invalid: domain_userid, network_userid and user_id are empty",
        ),
    ],
)
def test_a_row_that_is_no_event_is_told_and_the_rest_goes_on(
    tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    path = write(tmp_path / "e.csv", {**ROW, **change}, {**ROW, "event_id": "e2"})

    bad, good = read(path)

    assert isinstance(bad, BadRow)
    assert bad.reason == reason
    assert isinstance(good, EventRow)


def test_a_file_without_snowplows_columns_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")

    assert not IMPORTER.sniff(path)
    with pytest.raises(ImportFileError, match=r"other\.csv: no CSV file with the col"):
        read(path)


def test_a_user_s_address_is_replaced_as_at_every_door(tmp_path: Path) -> None:
    address = "ada@shop.example"
    path = write(
        tmp_path / "e.csv",
        ROW | {"user_id": address, "network_userid": "n1"},
        ROW | {"domain_userid": "", "network_userid": "", "user_id": address},
        ROW | {"user_id": "4711"},
    )

    found = events(list(IMPORTER.read(path, Request("shop", keys=tmp_path))))

    person = Pseudonyms(tmp_path).of("shop", address)
    assert [event.metadata["userId"] for event in found] == [person, person, "4711"]
    assert [event.visitor_id for event in found] == ["u1", person, "u1"]
