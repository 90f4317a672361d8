"""Erasing and exporting by what a business knows: an account, an address, a number.

The doors and importers replaced these; a real collector takes Segment's calls, and the
importers of GA4 and Snowplow take files of the same people.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.importers import run_import
from code24.personal import Pseudonyms
from code24.settings import HOST, Ports, Settings
from code24.state import open_state
from code24.state.sites import get_site
from orchestration.run import run_loop
from tests.app.collector.serving import process
from tests.conftest import free_port
from tests.orchestration.conftest import Finished
from tests.orchestration.defs.privacy.searching import places

ADDRESS = "Ada@Shop.example"
SPELLINGS = ("ada@shop.example", " ADA@shop.example ", "Ada@Shop.example")
ALONE, SHARED = "browser-of-ada-alone", "browser-of-two"


def call(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    basic = {"type": kind, "messageId": f"{kind}-{number}", "timestamp": at}
    named = {"event": f"step-{number}"} if kind == "track" else {}
    return {**basic, **named, **fields}


def calls() -> list[dict[str, Any]]:
    return [
        call("track", 1, anonymousId=ALONE),
        call("track", 2, anonymousId=ALONE, userId=SPELLINGS[0]),
        call("track", 3, anonymousId=SHARED, userId=SPELLINGS[1]),
        call("track", 4, anonymousId=SHARED, userId="bob@shop.example"),
        call("track", 5, anonymousId=SHARED),
        call("track", 6, userId=SPELLINGS[2]),
        call("track", 7, anonymousId="browser-of-42", userId="42"),
        call("group", 8, anonymousId="browser-of-7", userId="7", groupId="42"),
        call("track", 9, userId="+49 30 / 1234-567"),
        call("identify", 10, anonymousId=ALONE, userId=ADDRESS, traits=3),
    ]


def ga4(folder: Path) -> Path:
    path = folder / "ga4.jsonl"
    row = {
        "event_name": "page_view",
        "event_timestamp": "1714557600000000",
        "user_pseudo_id": "ga4-of-ada",
        "user_id": ADDRESS,
        "event_params": [],
    }
    other = {**row, "user_pseudo_id": "ga4-of-bob", "user_id": "bob@shop.example"}
    path.write_text(f"{json.dumps(row)}\n{json.dumps(other)}\n")
    return path


def snowplow(folder: Path) -> Path:
    path = folder / "snowplow.jsonl"
    row = {
        "event_id": "sp-1",
        "event_name": "link_click",
        "collector_tstamp": "2024-05-01 10:00:01",
        "derived_tstamp": "2024-05-01 10:00:00.5",
        "domain_userid": "snowplow-of-ada",
        "user_id": ADDRESS,
    }
    path.write_text(f"{json.dumps(row)}\n")
    return path


@pytest.fixture(scope="module")
def signed_in(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a home that took calls of signed-in visitors by door and by file."""
    folder = tmp_path_factory.mktemp("signed-in")
    shutil.copytree(finished.settings.home, folder / "home")
    ports = Ports(collector=free_port())
    settings = replace(finished.settings, home=folder / "home", ports=ports)
    with open_state(settings.database_url) as state:
        key = get_site(state, "shop").write_key
    with process(settings):
        address = f"http://{HOST}:{ports.collector}/v1/batch"
        body = {"batch": calls(), "writeKey": key}
        httpx.post(address, json=body, timeout=20).raise_for_status()
    for file in (ga4(folder), snowplow(folder)):
        assert run_import(settings, file, site="shop").events
    assert run_loop(settings, lambda _: None).is_success
    return settings


def export(settings: Settings, folder: Path, person: str) -> dict[str, Any]:
    output = folder / "export.json"
    output.unlink(missing_ok=True)
    command("export", settings, "--visitor", person, "--output", str(output))
    document: dict[str, Any] = json.loads(output.read_text())
    return document


def command(name: str, settings: Settings, *options: str) -> str:
    ended = subprocess.run(
        (sys.executable, "-m", "cli", name, "--site", "shop", *options),
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def names(document: dict[str, Any]) -> set[str]:
    return {str(event["event_id"]) for event in document["events"]}


@pytest.mark.parametrize("spelling", [ADDRESS, *SPELLINGS])
def test_an_address_finds_what_door_and_importers_replaced(
    signed_in: Settings, tmp_path: Path, spelling: str
) -> None:
    document = export(signed_in, tmp_path, spelling)
    live = {one for one in names(document) if one.startswith("track")}
    assert live == {"track-1", "track-2", "track-3", "track-6"}
    assert "sp-1" in names(document)
    assert len(document["events"]) == 6
    visitors = {event["visitor_id"] for event in document["events"]}
    assert {ALONE, SHARED, "ga4-of-ada", "snowplow-of-ada"} <= visitors
    assert {ALONE, "ga4-of-ada", "snowplow-of-ada"} <= set(document["ids"])
    assert SHARED not in document["ids"]
    assert len(document["refused"]) == 1


def test_a_short_account_is_no_company_of_the_same_number(
    signed_in: Settings, tmp_path: Path
) -> None:
    document = export(signed_in, tmp_path, "42")
    assert names(document) == {"track-7"}
    assert "browser-of-42" in document["ids"]


def test_a_telephone_number_is_found_however_it_is_written(
    signed_in: Settings, tmp_path: Path
) -> None:
    for spelling in ("+49301234567", "+49 (30) 1234567"):
        assert names(export(signed_in, tmp_path, spelling)) == {"track-9"}


def test_erased_by_address_nothing_of_the_person_is_left(
    signed_in: Settings, tmp_path: Path
) -> None:
    shutil.copytree(signed_in.home, tmp_path / "home")
    settings = replace(signed_in, home=tmp_path / "home")
    planned = json.loads(
        command("erase", settings, "--visitor", ADDRESS, "--dry-run", "--json")
    )
    gone = [one for one in planned["ids"] if places(settings.home, one)]
    person = Pseudonyms(settings.keys).of("shop", ADDRESS)
    assert {person, ALONE, "ga4-of-ada", "snowplow-of-ada"} <= set(gone)

    receipt = json.loads(
        command("erase", settings, "--visitor", ADDRESS, "--yes", "--json")
    )

    assert receipt["status"] == "complete"
    assert receipt["steps"]["found"]["raw"]["rows"] == 6
    assert [place for one in gone for place in places(settings.home, one)] == []
    assert places(settings.home, "track-4")
    assert places(settings.home, "track-5")
