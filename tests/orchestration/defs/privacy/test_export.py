"""The export of one visitor's data."""

import json
import stat
from pathlib import Path

import pytest

from code24.errors import Code24Error
from code24.settings import Settings
from code24.state import erasures, open_state
from orchestration.defs.privacy.export import write_export
from tests.orchestration.defs.privacy.visitors import ALICE, UNIT


def test_an_export_holds_all_of_one_visitor_and_nothing_of_others(
    visited: Settings, tmp_path: Path
) -> None:
    output = tmp_path / "alice.json"
    with open_state(visited.database_url) as state:
        subject = erasures.subject(state, "shop", ALICE, keys=visited.keys)
        counts = write_export(visited, state, subject, output)
        with pytest.raises(Code24Error, match="is there already"):
            write_export(visited, state, subject, output)
    document = json.loads(output.read_text())
    assert document["ids"] == sorted([ALICE, UNIT])
    visitors = {event["visitor_id"] for event in document["events"]}
    assert visitors == {ALICE, UNIT, "dave", "erin", "frank"}
    assert counts["events"] == len(document["events"]) == 32
    assert counts["conversions"] == 2
    assert {one["visitor_id"] for one in document["sessions"]} <= {ALICE, UNIT}
    assert counts["sessions"] > 0
    assert counts["refused"] == 4
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_somebody_unknown_has_an_empty_export(
    visited: Settings, tmp_path: Path
) -> None:
    with open_state(visited.database_url) as state:
        subject = erasures.subject(state, "shop", "nobody", keys=visited.keys)
        counts = write_export(visited, state, subject, tmp_path / "nobody.json")
    assert set(counts.values()) == {0}
