"""The commands as an operator types them: real processes on a home of their own."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cli.main import app
from code24.contracts.release import Shard
from code24.releases import Publisher, ensure_keys
from code24.settings import Settings
from code24.state import open_state, sites
from tests.code24.releasing import ab_test, shard

EVENT = {
    "siteId": "shop",
    "eventType": "page_view",
    "visitorId": "v1",
    "timestamp": "2026-01-02T03:04:05Z",
}


def code24(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def shop(settings: Settings) -> Settings:
    with open_state(settings.database_url) as state:
        sites.add_site(
            state,
            "shop",
            "shop.example",
            "fashion",
            ["sales", "leads"],
            actor="test",
            now=datetime.now(UTC),
        )
    return settings


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["up"],
        ["doctor"],
        ["import"],
        ["replay"],
        ["simulate"],
        ["bench"],
        *(["site", verb] for verb in ("add", "list", "show", "import", "set")),
        *(["test", verb] for verb in ("list", "show", "create", "start", "pause")),
        *(["test", verb] for verb in ("stop", "ship", "undo")),
        *(["job", v] for v in ("list", "show", "request", "cancel", "retry")),
        *(["release", v] for v in ("list", "show", "diff", "rollback", "verify")),
        ["site", "policy"],
        *(["approval", verb] for verb in ("list", "approve", "reject")),
        *(["threshold", verb] for verb in ("list", "set", "reset")),
    ],
    ids=" ".join,
)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert f"Example: code24 {' '.join(words)}" in done.stdout


def test_sites_are_added_once_and_listed_with_their_keys(settings: Settings) -> None:
    words = ["site", "add", "shop", "--host", "shop.example", "--goal", "sales"]
    first, again = code24(settings, *words), code24(settings, *words)
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == again.stdout
    (site,) = json.loads(code24(settings, "site", "list", "--json").stdout)
    assert set(site) == {
        *("siteId", "host", "vertical", "goals"),
        *("writeKey", "clientKey"),
    }
    assert (site["siteId"], site["goals"]) == ("shop", ["sales"])
    assert site["writeKey"] in first.stdout


def test_a_threshold_is_set_listed_and_put_back(shop: Settings) -> None:
    def listed() -> dict[str, tuple[float, int, bool]]:
        done = code24(shop, "threshold", "list", "--site", "shop", "--json")
        return {
            one["name"]: (one["value"], one["windowSeconds"], one["isDefault"])
            for one in json.loads(done.stdout)
        }

    before = listed()
    assert all(is_default for _, _, is_default in before.values())
    words = ["threshold", "set", "shop", "error_burst", "7", "--window", "600"]
    assert code24(shop, *words).returncode == 0
    assert listed() == {**before, "error_burst": (7.0, 600, False)}
    assert code24(shop, "threshold", "reset", "shop").returncode == 0
    assert listed() == before
    wrong = code24(shop, "threshold", "set", "shop", "error_burst", "0")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "error: error_burst=0: must be from 1 to 1e+06\n",
    )


def test_a_test_is_made_started_shipped_and_brought_back(shop: Settings) -> None:
    two = ["--variant", "old=As it is", "--variant", "new=Shorter"]
    make = ["test", "create", "hero", "--site", "shop", *two, "--namespace", "top=0.5"]
    make += ["--condition", '{"country": "DE"}']

    def status() -> str:
        shown = json.loads(code24(shop, "test", "show", "hero", "--json").stdout)
        assert shown["test"]["targeting"]["condition"] == {"country": "DE"}
        return str(shown["test"]["status"])

    assert code24(shop, *make, "--dry-run").returncode == 0
    assert code24(shop, "test", "list", "--json").stdout.strip() == "[]"
    assert code24(shop, *make).returncode == 0
    assert status() == "draft"
    for verb, then in (("start", "running"), ("pause", "paused"), ("start", "running")):
        assert code24(shop, "test", verb, "hero").returncode == 0
        assert status() == then
    done = code24(shop, "test", "ship", "hero", "new", "--reason", "ads")
    assert "operator decided to ship 'new': ads" in done.stdout
    assert status() == "complete"
    again = code24(shop, "test", "start", "hero")
    assert (again.returncode, again.stdout) == (1, "")
    assert "is complete and cannot become running" in again.stderr
    assert code24(shop, "test", "undo", "hero").returncode == 0
    assert status() == "running"


def test_a_test_comes_from_a_file_too(shop: Settings, tmp_path: Path) -> None:
    value = {"title": "Fresh"}
    definition = {
        "siteId": "shop",
        "testType": "headline",
        "goalType": "sales",
        "variants": [
            {"variantId": "old", "name": "As it is"},
            {"variantId": "new", "name": "Fresh", "value": value},
        ],
        "trafficSplit": [0.8, 0.2],
    }
    file = tmp_path / "hero.json"
    file.write_text(json.dumps(definition))
    words = ["test", "create", "hero", "--file", str(file), "--start", "--json"]
    made = json.loads(code24(shop, *words).stdout)
    assert (made["status"], made["trafficSplit"]) == ("running", [0.8, 0.2])
    assert made["variants"][1]["value"] == value
    file.write_text("{")
    wrong = code24(shop, *words)
    assert wrong.returncode == 1
    assert "hero.json: holds no definition of a test" in wrong.stderr


def test_a_policy_is_shown_and_changed(shop: Settings) -> None:
    words = ["site", "policy", "shop"]
    assert "are automatic" in code24(shop, *words).stdout
    changed = code24(shop, *words, "--approve", "--holdout", "0.05", "--json")
    assert json.loads(changed.stdout) == {
        "siteId": "shop",
        "isApprovalNeeded": True,
        "isShared": True,
        "holdout": 0.05,
    }
    assert code24(shop, *words, "--holdout", "0.9").returncode == 1
    assert "Nothing waits" in code24(shop, "approval", "list").stdout
    unknown = code24(shop, "approval", "approve", "d-9")
    assert unknown.stderr == "error: proposal 'd-9' is not known\n"


def test_a_wrong_goal_is_one_line_on_standard_error(settings: Settings) -> None:
    done = code24(settings, "site", "add", "s", "--host", "s.example", "--goal", "fame")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: goal 'fame': must be one of sales, leads, signups, bookings, traffic"
    ]


def test_a_site_is_shown_with_the_tag_to_paste(shop: Settings) -> None:
    away = replace(shop, collector_url="https://collector.example")
    told = code24(away, "site", "show", "shop")
    (site,) = json.loads(code24(shop, "site", "list", "--json").stdout)
    assert (
        '  <script defer src="https://collector.example/code24.js" data-site="shop" '
        f'data-key="{site["writeKey"]}"></script>\n'
    ) in told.stdout
    here = f'src="http://127.0.0.1:{shop.ports.collector}/code24.js"'
    assert here in code24(shop, "site", "show", "shop").stdout
    as_json = code24(shop, "site", "show", "shop", "--json").stdout
    assert json.loads(as_json)["siteId"] == "shop"


def test_sites_come_from_a_file_once_it_is_sound(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "sites.csv"
    path.write_text(
        "site_id,host,vertical,goals\none,one.example,news,traffic\n"
        "two,two.example,,sales leads\n"
    )
    dry = code24(settings, "site", "import", str(path), "--dry-run")
    assert "2 sites" in dry.stdout
    assert json.loads(code24(settings, "site", "list", "--json").stdout) == []
    for _ in range(2):
        assert code24(settings, "site", "import", str(path)).returncode == 0
    found = json.loads(code24(settings, "site", "list", "--json").stdout)
    assert {s["siteId"]: s["goals"] for s in found} == {
        "one": ["traffic"],
        "two": ["sales", "leads"],
    }
    path.write_text("site_id,host,vertical,goals\nthree,,news,traffic\n")
    wrong = code24(settings, "site", "import", str(path))
    told = f"error: {path}:2: no host; no site was added\n"
    assert (wrong.returncode, wrong.stderr) == (1, told)


def test_a_list_of_sites_is_judged_line_by_line(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "sites.jsonl"
    path.write_text(
        '{"siteId": "one", "host": "one.example", "goals": ["sales"]}\n'
        '{"siteId": "one", "host": "other.example", "goals": ["sales"]}\n'
        '{"siteId": "Bad Id", "host": "x.example", "goals": ["sales"]}\n'
        '{"siteId": "two", "host": "two.example", "goals": ["fun"]}\n{broken\n'
    )
    done = code24(settings, "site", "import", str(path), "--json")
    assert done.returncode == 1
    assert done.stderr.endswith("and 3 more; no site was added\n")
    found = json.loads(done.stdout)
    assert [line["outcome"] for line in found] == ["new", *["refused"] * 4]
    assert "stands in sites.jsonl:1 already" in found[1]["reason"]
    assert json.loads(code24(settings, "site", "list", "--json").stdout) == []

    path.write_text("\ufeffsite_id;host;goals\r\n")
    assert "column site_id;host;goals is not known" in (
        code24(settings, "site", "import", str(path.rename(tmp_path / "s.csv"))).stderr
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["site", "show", "nowhere"], "nowhere"),
        (["test", "show", "nothing"], "nothing"),
        (["release", "list"], "code24 run"),
        (["release", "verify", "r000009-00000000"], "r000009-00000000"),
        (["import", "absent.jsonl"], "absent.jsonl"),
        (["bench", "no.such_figure"], "no.such_figure"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_absent_is_named(
    words: list[str], told: str, settings: Settings
) -> None:
    done = code24(settings, *words)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line


def test_events_are_imported_once_and_bad_rows_told_of(
    shop: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    lines = [json.dumps({**EVENT, "id": f"e{number}"}) for number in range(3)]
    path.write_text("\n".join([*lines, "{not json", '{"siteId": "shop"}']) + "\n")
    first = code24(shop, "import", str(path), "--site", "shop")
    assert first.returncode == 0
    assert "3 events, 2 dead letters" in first.stdout
    again = code24(shop, "import", str(path), "--site", "shop")
    assert "imported before; nothing added" in again.stdout


def test_releases_are_compared_verified_and_rolled_back(shop: Settings) -> None:
    first, second = _publish(shop, 0.5), _publish(shop, 0.25)
    listed = json.loads(code24(shop, "release", "list", "--json").stdout)
    assert [each["releaseId"] for each in listed["releases"]] == [second, first]
    changes = json.loads(code24(shop, "release", "diff", first, "--json").stdout)
    assert [change["testId"] for change in changes] == ["headline"]

    only_said = code24(shop, "release", "rollback", first)
    assert "Add --yes" in only_said.stdout
    assert json.loads(code24(shop, "release", "list", "--json").stdout)["current"] == (
        second
    )
    assert code24(shop, "release", "rollback", first, "--yes").returncode == 0
    shown = json.loads(code24(shop, "release", "show", "--json").stdout)
    assert shown["releaseId"] == first
    assert "sound" in code24(shop, "release", "verify").stdout

    damaged = shop.releases / "shards" / f"{shown['sites']['shop']['shard']}.json"
    damaged.write_text(damaged.read_text().replace("headline", "headlime"))
    found = code24(shop, "release", "verify")
    assert found.returncode == 1
    assert damaged.name in found.stderr


def test_doctor_says_what_is_ill_and_why(shop: Settings) -> None:
    _publish(shop, 0.5)
    before = code24(shop, "doctor")
    assert before.returncode == 0
    assert "code24 up" in before.stdout
    (shop.releases / "CURRENT").write_text("r000042-ffffffff")
    (shop.keys / "signing.key").chmod(0o644)
    shop.warehouse.parent.mkdir(parents=True)
    shop.warehouse.write_bytes(b"no DuckDB file at all" * 1000)
    done = code24(shop, "doctor", "--json")
    ill = {
        finding["part"]: finding["detail"]
        for finding in json.loads(done.stdout)
        if finding["health"] == "ill"
    }
    assert done.returncode == 1
    assert set(ill) == {"keys", "release", "warehouse"}
    assert "r000042-ffffffff" in ill["release"]
    assert str(shop.warehouse) in ill["warehouse"]


def test_doctor_before_anything_was_made(settings: Settings) -> None:
    done = code24(settings, "doctor")
    assert done.returncode == 0
    assert "code24 run" in done.stdout
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{settings.ports.platform}/health")


def _publish(settings: Settings, share: float) -> str:
    ensure_keys(settings.keys)
    shards: list[Shard] = [
        shard("shop", ab_test("headline", traffic_split=(share, 1 - share)))
    ]
    manifest = Publisher(settings.releases, settings.keys).publish(
        shards, created_at=datetime.now(UTC), provenance={}
    )
    assert manifest is not None
    return manifest.release_id


def test_origins_and_the_limit_of_a_site_are_set_and_shown(settings: Settings) -> None:
    words = ["site", "add", "shop", "--host", "shop.example", "--goal", "sales"]
    own = ["--origin", "https://shop.example"]
    first, again = (code24(settings, *words, *own, "--json") for _ in range(2))
    assert json.loads(first.stdout)["origins"] == ["https://shop.example"]
    assert first.stdout == again.stdout
    other = code24(settings, *words, "--origin", "https://x.example")
    assert other.returncode == 1
    assert "is there with origins https://shop.example" in other.stderr
    done = code24(settings, "site", "set", "shop", "--events-per-second", "7")
    assert done.returncode == 0
    shown = code24(settings, "site", "show", "shop").stdout
    assert "https://shop.example" in shown
    assert "7" in shown.partition("events per second")[2]
    anyone = code24(settings, "site", "set", "shop", "--any-origin", "--json")
    assert json.loads(anyone.stdout)["origins"] == []
    assert code24(settings, "site", "set", "shop").returncode == 1
    wrong = code24(settings, "site", "set", "shop", "--origin", "shop.example")
    assert wrong.returncode == 1
    assert "origins" in wrong.stderr


def test_a_simulation_is_refused_in_the_home_of_real_sites(shop: Settings) -> None:
    refused = code24(shop, "simulate", "--into", str(shop.home), "--replace")
    dry = code24(shop, "simulate", "--dry-run")

    assert (refused.returncode, dry.returncode) == (1, 0)
    assert "home of real sites" in refused.stderr
    assert f"{shop.home / 'simulated'}" in dry.stdout
    assert not (shop.home / "simulated").exists()
    (site,) = json.loads(code24(shop, "site", "list", "--json").stdout)
    assert site["siteId"] == "shop"


def test_a_simulated_curve_writes_nothing_and_scores_every_rule(
    settings: Settings,
) -> None:
    done = code24(settings, "simulate", "--curve", "4", "--json")
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)
    assert [point["sites"] for point in points] == [0, 0, 0, 4]
    assert all(point["tally"]["tests"] >= 4_000 for point in points)
    assert not settings.home.exists()
    assert code24(settings, "simulate", "--curve", "4,x").returncode == 1
