"""Dead letters pass the door again: once each, however often, wherever it is killed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cli.importers import run_import
from cli.replay import Summary, Wanted, run_replay
from cli.replay import replaying as module
from cli.replay.ledger import FILE, Ledger, Place
from code24.contracts.event import DeadLetter, LogRecord
from code24.event_log import read
from code24.intake import Encoded, IntakeLog, admit, dead_folder, encode_outcomes
from code24.settings import Settings
from tests.app.collector.serving import event, new_site, serving
from tests.cli.test_commands import code24

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def bury(settings: Settings, *bodies: object, partition: str = "live") -> None:
    """Refuse events as the door did before there was any site."""
    outcomes = [
        admit(
            msgspec.json.encode(body),
            origin="live",
            received_at=NOW + timedelta(days=number),
            source="/v1/events",
            sites=(),
        )
        for number, body in enumerate(bodies)
    ]
    assert all(isinstance(outcome, DeadLetter) for outcome in outcomes)
    with IntakeLog.open(settings.log, partition) as log:
        log.append(encode_outcomes(outcomes))


def replayed(settings: Settings) -> list[LogRecord]:
    records = read(settings.log, "replay", 0)
    return [msgspec.json.decode(one.payload, type=LogRecord) for one in records]


def run(settings: Settings, wanted: Wanted = Wanted()) -> Summary:  # noqa: B008
    return run_replay(settings, wanted, is_dry_run=False)


def test_a_site_added_meanwhile_gets_its_events_once(settings: Settings) -> None:
    old = event(1, timestamp="2026-10-30T00:00:00Z")
    bury(settings, event(0), old, event(2, siteId="nowhere"), {"broken": True})
    before = run_replay(settings, Wanted(), is_dry_run=True)
    assert (before.admitted, before.refused) == (0, 4)
    new_site(settings, "shop")
    told = run_replay(settings, Wanted(), is_dry_run=True)
    assert (told.admitted, told.refused) == (2, 2)
    assert replayed(settings) == []
    done = run(settings)
    assert (done.admitted, done.refused, done.replayed_before) == (2, 2, 0)
    assert [(one.event.id, one.origin) for one in replayed(settings)] == [
        ("e0", "replay"),
        ("e1", "replay"),
    ]
    again = run(settings)
    assert (again.admitted, again.refused, again.replayed_before) == (0, 2, 2)
    assert len(replayed(settings)) == 2


def test_letters_are_chosen_by_reason_site_and_time(settings: Settings) -> None:
    shop = [event(number) for number in range(3)]
    bury(settings, *shop, event(3, siteId="blog"), {})
    for name in ("shop", "blog"):
        new_site(settings, name)

    def count(wanted: Wanted) -> int:
        found = run_replay(settings, wanted, is_dry_run=True)
        return sum(group.letters for group in found.groups)

    assert count(Wanted(reason="unknown_site")) == 4
    assert count(Wanted(reason="invalid")) == 1
    assert count(Wanted(site_id="blog")) == 1
    assert count(Wanted(since=NOW + timedelta(days=2))) == 3
    assert count(Wanted(until=NOW + timedelta(days=2))) == 2
    assert run(settings, Wanted(site_id="shop")).admitted == 3
    assert run(settings).admitted == 1


def test_a_key_s_events_for_another_site_stay_refused(settings: Settings) -> None:
    new_site(settings, "victim")
    with serving(settings) as served:
        answer = served.post({"events": [event(1, siteId="victim"), event(2)]})
        assert answer.json()["accepted"] == 1
    done = run(settings)
    assert (done.admitted, done.refused) == (0, 1)
    [group] = done.groups
    assert (group.reason, group.site_id) == ("wrong_site", "shop")


def test_what_came_too_late_may_be_replayed(settings: Settings) -> None:
    with serving(settings) as served:
        late = event(1, timestamp="2026-01-01T00:00:00Z")
        del late["visitorId"]
        assert served.post(late).json()["rejected"][0]["reason"].startswith("too_late")
    assert run(settings).admitted == 1
    [record] = replayed(settings)
    assert record.event.id == "e1"
    assert record.event.visitor_id


def test_killed_before_the_record_it_is_replayed_later(settings: Settings) -> None:
    bury(settings, *(event(number) for number in range(4)))
    new_site(settings, "shop")
    with Ledger(dead_folder(settings.log)) as ledger:
        ledger.note([Place("dead-live", 0), Place("dead-live", 1)], 0)
    assert run(settings).admitted == 4
    assert [one.event.id for one in replayed(settings)] == ["e0", "e1", "e2", "e3"]
    assert run(settings).replayed_before == 4


def test_killed_after_some_records_the_rest_follow(settings: Settings) -> None:
    bury(settings, *(event(number) for number in range(4)))
    new_site(settings, "shop")
    assert run(settings, Wanted(until=NOW + timedelta(days=2))).admitted == 2
    with Ledger(dead_folder(settings.log)) as ledger:
        ledger.note([Place("dead-live", 2), Place("dead-live", 3)], 2)
    assert run_replay(settings, Wanted(), is_dry_run=True).admitted == 2
    assert run(settings).admitted == 2
    assert len(replayed(settings)) == 4


def test_many_letters_of_several_partitions_go_in_batches(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    bury(settings, *(event(number) for number in range(20)))
    bury(settings, *(event(number) for number in range(20, 30)), partition="import")
    new_site(settings, "shop")
    assert run(settings).admitted == 30
    assert run(settings).replayed_before == 30
    assert len({one.event.id for one in replayed(settings)}) == 30


def test_the_command_tells_first_and_replays_when_asked(settings: Settings) -> None:
    bury(settings, event(1), {})
    new_site(settings, "shop")
    dry = code24(settings, "replay")
    assert dry.returncode == 0
    assert "1 would be replayed" in dry.stdout
    done = code24(settings, "replay", "--reason", "unknown_site", "--run", "--json")
    told = json.loads(done.stdout)
    assert (told["isDryRun"], told["admitted"]) == (False, 1)
    [group] = told["groups"]
    assert (group["reason"], group["siteId"]) == ("unknown_site", "shop")
    wrong = code24(settings, "replay", "--since", "yesterday")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "error: --since 'yesterday': must be a date or time as in ISO 8601\n",
    )


def test_the_ledger_is_no_partition_of_letters(settings: Settings) -> None:
    bury(settings, event(1))
    run(settings)
    assert (dead_folder(settings.log) / FILE).exists()
    assert run(settings).refused == 1


def test_an_erased_letter_is_passed_over(settings: Settings) -> None:
    bury(settings, event(1))
    with IntakeLog.open(settings.log, "live") as log:
        log.append(Encoded([], [b'{"removed":"2026-11-01"}']))
    new_site(settings, "shop")
    assert run(settings).admitted == 1


def test_what_never_was_an_event_is_told_apart_and_stays(
    settings: Settings, tmp_path: Path
) -> None:
    with serving(settings) as served:
        key = (served.site.write_key, "")
        answer = served.client.post("/v1/track", json={"messageId": "m4"}, auth=key)
        assert answer.json() == {"success": True}
    rows = [
        {
            "type": "track",
            "messageId": "m1",
            "userId": "7",
            "event": "A",
            "timestamp": "1970-01-01T00:00:00Z",
        },
        {"type": "track", "messageId": "m2", "userId": "7", "event": "B", "context": 3},
        {"type": "dance", "messageId": "m3", "userId": "7"},
    ]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    run_import(settings, path, site="shop")

    done = run(settings)

    assert (done.admitted, done.unmapped, replayed(settings)) == (0, 3, [])
    assert done.refused == 1  # of 1970, which is no time of the web
    examples = {group.source: group.example for group in done.groups if group.unmapped}
    assert examples["calls.jsonl"].startswith("correct calls.jsonl:3 and import")
    assert examples["/v1/track"].startswith("send it again")
    assert "3 are no events" in code24(settings, "replay").stdout.replace("\n", " ")
