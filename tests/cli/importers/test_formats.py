"""Every format on sound rows: found, mapped, counted; nothing written by a dry run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.importers import registry, run_import, survey
from cli.importers.importer import ImportFileError, Request
from cli.importers.transfer import Step
from code24 import event_log
from code24.contracts.event import Event
from code24.settings import Settings
from code24.state import imports, open_state
from tests.cli.importers import samples
from tests.cli.importers.reading import events
from tests.cli.importers.test_transfer import records, shop

__all__ = ["shop"]


def mapped(path: Path) -> list[Event]:
    ((importer, file),) = registry.matched(path, None)
    return events(importer.read(file, Request("shop", host="shop.example")))


@pytest.mark.parametrize("name", samples.FILES)
def test_a_file_is_known_by_its_content_alone(tmp_path: Path, name: str) -> None:
    path = samples.written(tmp_path, name, 30)

    ((importer, _),) = registry.matched(path, None)

    assert importer.name == samples.FORMATS[name]
    assert len(mapped(path)) == 30
    assert samples.ADDRESS not in repr(mapped(path))


@pytest.mark.parametrize("name", samples.FILES)
def test_rows_reach_the_log_once_and_progress_is_told(
    shop: Settings, tmp_path: Path, name: str
) -> None:
    path = samples.written(tmp_path, name, 30)
    steps: list[Step] = []

    first = run_import(shop, path, site="shop", progress=steps.append)
    again = run_import(shop, path, site="shop")

    assert (first.events, first.dead_letters, again.is_repeated) == (30, 0, True)
    assert len({record.event.id for record in records(shop)}) == 30
    assert {record.event.site_id for record in records(shop)} == {"shop"}
    last = steps[-1]
    assert last.rows == 30
    assert last.meter.total == path.stat().st_size == last.meter.done


@pytest.mark.parametrize("name", samples.FILES)
def test_a_dry_run_tells_and_writes_nothing(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    path = samples.written(tmp_path, name, 30)

    found = survey(settings, path, site="shop", limit=20)

    assert found.formats == (samples.FORMATS[name],)
    assert (found.rows, found.refused) == (20, {})
    assert sum(found.kinds.values()) == 20
    assert found.first_at is not None
    assert found.first_at.date().isoformat() == "2024-05-01"
    assert not settings.home.exists() or not any(settings.home.iterdir())


def test_a_dry_run_shows_the_first_refused_rows(shop: Settings, tmp_path: Path) -> None:
    path = samples.written(tmp_path, "native.jsonl", 3)
    path.write_text(path.read_text() + "{broken\n" * 12)

    found = survey(shop, path)

    assert found.refused == {"bad_json": 12}
    assert [letter.source for letter in found.first_refused] == [
        f"native.jsonl:{number}" for number in range(4, 14)
    ]
    assert event_log.end_offset(shop.log, "import") == 0
    with open_state(shop.database_url) as state:
        assert imports.list_imports(state) == []


def test_a_limit_takes_the_first_rows_and_the_rest_follows(
    shop: Settings, tmp_path: Path
) -> None:
    path = samples.written(tmp_path, "native.jsonl", 30)

    assert run_import(shop, path, limit=12).events == 12
    assert run_import(shop, path, limit=12).events == 0
    assert run_import(shop, path).events == 18
    assert run_import(shop, path).is_repeated
    assert len(records(shop)) == 30


def test_a_limit_beyond_the_end_completes_the_file(
    shop: Settings, tmp_path: Path
) -> None:
    path = samples.written(tmp_path, "native.jsonl", 5)

    assert run_import(shop, path, limit=9).events == 5
    assert run_import(shop, path).is_repeated


def test_orders_by_a_mapping(tmp_path: Path) -> None:
    first, second = mapped(samples.written(tmp_path, "orders.csv", 2))

    assert (first.event_type, first.metadata["name"]) == ("interaction", "return")
    assert first.conversion_value is None
    assert (second.id, second.visitor_id) == ("o1", "c1")
    assert (second.goal_type, second.conversion_value) == ("sales", 11.5)
    assert second.timestamp == datetime(2024, 5, 1, 8, 1, tzinfo=UTC)
    assert second.metadata == {"kind": "purchase"}


def test_segments_two_forms_are_one_event(tmp_path: Path) -> None:
    raw = mapped(samples.written(tmp_path, "calls.jsonl.gz", 1))[0]
    flat = mapped(samples.written(tmp_path, "tracks.json", 1))[0]

    for field in ("id", "visitor_id", "goal_type", "conversion_value", "timestamp"):
        assert getattr(raw, field) == getattr(flat, field), field
    assert (flat.goal_type, flat.conversion_value) == ("sales", 10.0)
    assert flat.url == "https://shop.example/thanks"
    assert flat.metadata["marketingCampaign"] == "spring"
    assert flat.metadata["userAgent"] == raw.metadata["userAgent"] == samples.AGENT
    assert "uuid_ts" not in flat.metadata


def test_ga4s_purchase_is_a_sale_that_counts_once(tmp_path: Path) -> None:
    event = mapped(samples.written(tmp_path, "ga4.json", 1))[0]

    assert event.id == "purchase:T0"
    assert (event.goal_type, event.conversion_value) == ("sales", 10.5)
    assert event.session_id == "1234.0.1714557000"
    assert event.timestamp == datetime(2024, 5, 1, 10, tzinfo=UTC)
    expected = {
        "device": "mobile",
        "os": "iOS",
        "browser": "Safari",
        "country": "Germany",
        "marketingCampaign": "spring",
        "firstCampaign": "(direct)",
        "orderId": "T0",
        "currency": "EUR",
        "items": [{"id": "S1", "name": "Shoe", "price": 10.5, "quantity": 1}],
    }
    assert expected.items() <= event.metadata.items()


def test_snowplows_three_forms_are_one_event(tmp_path: Path) -> None:
    names = ("stream.tsv.gz", "enriched.csv", "enriched.json")
    found = [mapped(samples.written(tmp_path, name, 3)) for name in names]

    assert found[0] == found[1] == found[2]
    assert found[0][0].metadata["pageViewId"] == "p0"


def test_a_json_array_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"siteId": "shop"}]')

    with pytest.raises(ImportFileError, match=r"is one JSON array; .* jq -c"):
        list(registry.named("ga4").read(path, Request("shop")))


def test_utf_16_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n", encoding="utf-16")

    with pytest.raises(ImportFileError, match=r"is UTF-16; convert it: iconv"):
        registry.matched(path, None)
