"""Records that become tombstones in place, under a writer and after a kill."""

import os
from pathlib import Path

import pytest

from code24.event_log import (
    EventLogError,
    SegmentWriter,
    read,
    redact,
    start_offset,
    trim,
)

GONE = b'{"removed":"2026-03-01"}'


def _texts(log: Path, start: int = 0) -> list[bytes]:
    return [record.payload.rstrip() for record in read(log, "live", start)]


def _payload(number: int) -> bytes:
    return f'{{"visitor":"v{number:06d}","more":"{"x" * 30}"}}'.encode()


def _decide(payload: bytes) -> bytes | None:
    return None if payload.startswith(b'{"removed"') else GONE


def test_an_open_segment_is_redacted_and_appended_to(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append([_payload(number) for number in range(10)])
        assert redact(tmp_path, "live", _decide, needles=[b"v000003"]) == 1
        writer.append([_payload(10)])
        expected = [_payload(number) for number in range(11)]
        expected[3] = GONE
        assert _texts(tmp_path) == expected
    with SegmentWriter(tmp_path, "live") as writer:
        assert writer.end == 11
    assert b"v000003" not in next((tmp_path / "live").glob("*.seg")).read_bytes()
    assert redact(tmp_path, "live", _decide, needles=[b"v000003"]) == 0


def test_only_the_offsets_asked_for_go_over_segments(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live", segment_bytes=100) as writer:
        for number in range(12):
            writer.append([_payload(number)])
    assert redact(tmp_path, "live", _decide, offsets=[0, 5, 11]) == 3
    gone = [at for at, text in enumerate(_texts(tmp_path)) if text == GONE]
    assert gone == [0, 5, 11]


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_killed_redaction_is_finished_by_the_next_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append([_payload(number) for number in range(5)])
    writes = iter(range(10))
    pwrite = os.pwrite

    def torn(descriptor: int, data: bytes, position: int) -> int:
        if next(writes) == written:
            pwrite(descriptor, data[:11], position)
            raise KeyboardInterrupt
        return pwrite(descriptor, data, position)

    monkeypatch.setattr(os, "pwrite", torn)
    with pytest.raises(KeyboardInterrupt):
        redact(tmp_path, "live", _decide, offsets=[1, 2, 4])
    monkeypatch.undo()
    with pytest.raises(EventLogError, match="damaged"):
        _texts(tmp_path)
    SegmentWriter(tmp_path, "live").close()
    expected = [_payload(0), GONE, GONE, _payload(3), GONE]
    assert _texts(tmp_path) == expected


def test_a_trimmed_log_says_where_it_starts(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live", segment_bytes=1) as writer:
        for number in range(4):
            writer.append([_payload(number)])
    assert trim(tmp_path, "live", 3) == 3
    assert start_offset(tmp_path, "live") == 3
    assert _texts(tmp_path, 3) == [_payload(3)]
    assert trim(tmp_path, "live", 4) == 0
    with SegmentWriter(tmp_path, "live") as writer:
        assert writer.append([_payload(4)]) == range(4, 5)
