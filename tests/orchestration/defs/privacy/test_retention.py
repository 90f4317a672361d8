"""Retention: old events go everywhere, and a rebuilt home equals the retained one."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from code24 import event_log
from code24.contracts.event import LogRecord
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter
from code24.privacy.retention import Retention
from code24.settings import Settings
from orchestration.defs.privacy.retention import apply
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.verify import verify
from tests.orchestration.defs.raw.logs import append, record

NOW = datetime(2026, 3, 20, 15, tzinfo=UTC)
RECORDS = 2_000


@pytest.fixture
def drained(tmp_path: Path) -> Settings:
    """Return a home of ten days' events, one each 7 minutes, in eight segments."""
    settings = Settings(home=tmp_path)
    for number in range(0, RECORDS, 250):
        records = [encode(_record(one)) for one in range(number, number + 250)]
        with SegmentWriter(settings.log, "live", segment_bytes=1) as writer:
            writer.append(records)
    drain(settings.log, settings.raw, chunk_records=300)
    return settings


def _record(number: int) -> LogRecord:
    at = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(minutes=7 * number)
    logged = record(number, received_at=at)
    event = msgspec.structs.replace(logged.event, timestamp=at)
    return msgspec.structs.replace(logged, event=event)


def test_nothing_goes_where_nothing_is_limited(drained: Settings) -> None:
    assert apply(drained, Retention(NOW, 0), is_dry=False) == {}


def test_a_dry_run_tells_what_goes_and_removes_nothing(drained: Settings) -> None:
    before = _bytes(drained)
    counts = apply(drained, Retention(NOW, 7), is_dry=True)
    assert counts == {"log": 618, "dead_letters": 0, "raw": 618, "warehouse": 0}
    assert _bytes(drained) == before


def test_old_events_go_with_their_segments_and_nothing_else(drained: Settings) -> None:
    counts = apply(drained, Retention(NOW, 7), is_dry=False)
    assert counts["raw"] == counts["log"] == 618
    assert counts["segments"] == 2
    assert verify(drained.raw) == {"live": RECORDS - 618}
    assert event_log.start_offset(drained.log, "live") == 500
    assert apply(drained, Retention(NOW, 7), is_dry=False)["raw"] == 0


def test_raw_built_anew_from_the_trimmed_log_is_the_same(drained: Settings) -> None:
    apply(drained, Retention(NOW, 7), is_dry=False)
    shutil.rmtree(drained.raw / "events")
    drain(drained.log, drained.raw)
    assert verify(drained.raw) == {"live": RECORDS - 618}
    append(drained.log, "live", [_record(RECORDS)])
    drain(drained.log, drained.raw)
    assert verify(drained.raw) == {"live": RECORDS - 618 + 1}


def test_a_site_may_keep_its_own_longer_or_shorter(drained: Settings) -> None:
    longer = Retention(NOW, 7, {"upworthy": 400})
    assert apply(drained, longer, is_dry=False)["raw"] == 0
    shorter = Retention(NOW, 0, {"upworthy": 1})
    apply(drained, shorter, is_dry=False)
    assert verify(drained.raw) == {"live": RECORDS - 1852}


def test_what_is_not_drained_stays(drained: Settings) -> None:
    append(drained.log, "live", [_record(0), _record(1)])
    apply(drained, Retention(NOW, 1), is_dry=False)
    drain(drained.log, drained.raw)
    assert verify(drained.raw)["live"] == RECORDS - 1852 + 2


def _bytes(settings: Settings) -> dict[Path, bytes]:
    files = (p for p in settings.home.rglob("*") if p.is_file())
    return {path: path.read_bytes() for path in files if path.suffix != ".lock"}
