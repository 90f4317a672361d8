import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from code24.event_log import (
    EventLogError,
    SegmentWriter,
    end_offset,
    partitions,
    read,
)
from code24.event_log.files import write_mark


def payloads(count: int, first: int = 0) -> list[bytes]:
    return [b"record %d" % number for number in range(first, first + count)]


def stored(folder: Path, start: int = 0, limit: int | None = None) -> list[bytes]:
    return [record.payload for record in read(folder, "live", start, limit)]


def segment_files(folder: Path) -> list[Path]:
    return sorted((folder / "live").glob("*.seg"))


def test_appended_records_are_read_back_from_any_offset(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        assert writer.append(payloads(3)) == range(3)
        assert writer.append([]) == range(3, 3)
        assert writer.append(payloads(2, first=3)) == range(3, 5)
        assert writer.end == 5
    assert stored(tmp_path) == payloads(5)
    assert [record.offset for record in read(tmp_path, "live", 2)] == [2, 3, 4]
    assert stored(tmp_path, start=1, limit=2) == payloads(2, first=1)
    assert stored(tmp_path, start=5) == []


def test_a_new_writer_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    for start in (0, 4, 8):
        with SegmentWriter(tmp_path, "live") as writer:
            assert writer.append(payloads(4, first=start)) == range(start, start + 4)
    assert stored(tmp_path) == payloads(12)


def test_segments_rotate_by_size_and_are_read_as_one(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live", segment_bytes=100) as writer:
        for start in range(0, 40, 2):
            writer.append(payloads(2, first=start))
    assert len(segment_files(tmp_path)) > 3
    for start in range(41):
        assert stored(tmp_path, start) == payloads(40 - start, first=start)
        assert stored(tmp_path, start, 7) == payloads(min(7, 40 - start), first=start)


def test_rotated_log_is_continued(tmp_path: Path) -> None:
    for start in range(10):
        with SegmentWriter(tmp_path, "live", segment_bytes=1) as writer:
            writer.append(payloads(1, first=start))
    assert len(segment_files(tmp_path)) == 10
    assert stored(tmp_path) == payloads(10)


def test_partitions_are_apart_and_nested_logs_are_not_partitions(
    tmp_path: Path,
) -> None:
    with (
        SegmentWriter(tmp_path, "live") as live,
        SegmentWriter(tmp_path, "import") as imported,
        SegmentWriter(tmp_path / "dead", "dead-live"),
    ):
        live.append(payloads(1))
        imported.append(payloads(2))
    assert partitions(tmp_path) == ["import", "live"]
    assert partitions(tmp_path / "dead") == ["dead-live"]
    assert end_offset(tmp_path, "live") == 1
    assert end_offset(tmp_path, "import") == 2
    assert end_offset(tmp_path, "nobody") == 0
    assert list(read(tmp_path, "nobody", 0)) == []


def test_a_partition_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(EventLogError, match=r"partition '\.\./x'"):
        SegmentWriter(tmp_path, "../x")


def test_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with (
        SegmentWriter(tmp_path, "live"),
        pytest.raises(EventLogError, match=f"process {os.getpid()} is writing it"),
    ):
        SegmentWriter(tmp_path, "live")
    SegmentWriter(tmp_path, "live").close()


@pytest.mark.parametrize("record", [b"", b"x" * (4 * 1024 * 1024 + 1)])
def test_a_record_must_have_a_possible_size(tmp_path: Path, record: bytes) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        with pytest.raises(EventLogError, match="must be 1 to"):
            writer.append([b"before", record])
        assert writer.append([b"after"]) == range(1)
    assert stored(tmp_path) == [b"after"]


@pytest.mark.parametrize(
    "tail",
    [b"\x05", b"\x05\x00\x00\x00\x00\x00\x00\x00hello", b"\x00" * 4096, b"\xff" * 20],
    ids=["half a header", "wrong checksum", "zeros", "noise"],
)
def test_a_torn_tail_is_invisible_and_then_cut(tmp_path: Path, tail: bytes) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(3))
    with segment_files(tmp_path)[0].open("ab") as file:
        file.write(tail)
    assert stored(tmp_path) == payloads(3)
    with SegmentWriter(tmp_path, "live") as writer:
        assert writer.append(payloads(1, first=3)) == range(3, 4)
    assert stored(tmp_path) == payloads(4)


def test_records_not_yet_synced_are_not_read(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(1))
        whole = segment_files(tmp_path)[0].read_bytes()
        with segment_files(tmp_path)[0].open("ab") as file:
            file.write(whole)
        assert stored(tmp_path) == payloads(1)
        assert end_offset(tmp_path, "live") == 1


def test_durable_end_that_lags_is_found_again_by_the_writer(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(5))
    (tmp_path / "live" / "durable").unlink()
    assert end_offset(tmp_path, "live") == 0
    SegmentWriter(tmp_path, "live").close()
    assert stored(tmp_path) == payloads(5)


def test_damage_in_the_middle_is_named_with_its_byte(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(3))
    path = segment_files(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    message = rf"{path}: damaged at byte 16 \(offset 1\)"
    with pytest.raises(EventLogError, match=message):
        stored(tmp_path)
    with pytest.raises(EventLogError, match=message):
        SegmentWriter(tmp_path, "live")
    path.write_bytes(data[:16])
    with pytest.raises(EventLogError, match=message):
        SegmentWriter(tmp_path, "live")


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live", segment_bytes=1) as writer:
        for start in range(3):
            writer.append(payloads(1, first=start))
    segment_files(tmp_path)[1].unlink()
    with pytest.raises(EventLogError, match=r"damaged at byte 16 \(offset 1\)"):
        stored(tmp_path)
    segment_files(tmp_path)[0].unlink()
    with pytest.raises(EventLogError, match="no segment holds offset 0"):
        stored(tmp_path)


def test_an_offset_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EventLogError, match="from offset 1, but the log ends at 0"):
        read(tmp_path, "live", 1)


def test_a_damaged_mark_names_the_way_out_and_is_rebuilt(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(2))
    mark = tmp_path / "live" / "durable"
    mark.write_bytes(b"\x01" * 12)
    with pytest.raises(EventLogError, match="damaged; remove it and start"):
        end_offset(tmp_path, "live")
    with pytest.raises(EventLogError, match="damaged; remove it and start"):
        SegmentWriter(tmp_path, "live")
    mark.unlink()
    SegmentWriter(tmp_path, "live").close()
    assert end_offset(tmp_path, "live") == 2


def test_a_mark_ahead_of_the_segments_is_lost_data(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(2))
    mark = os.open(tmp_path / "live" / "durable", os.O_RDWR)
    write_mark(mark, 3)
    os.close(mark)
    with pytest.raises(EventLogError, match="durable to 3"):
        SegmentWriter(tmp_path, "live")


def test_after_a_failed_sync_every_append_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, "live")
    writer.append(payloads(1))

    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(EventLogError, match="Input/output error"):
            writer.append(payloads(1, first=1))
    with pytest.raises(EventLogError, match="until the process is started anew"):
        writer.append(payloads(1, first=1))
    assert writer.trouble is not None
    assert stored(tmp_path) == payloads(1)
    writer.close()
    with SegmentWriter(tmp_path, "live") as again:
        assert again.end == len(stored(tmp_path))


def test_an_interrupted_append_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SegmentWriter(tmp_path, "live") as writer:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                writer.append(payloads(1))
        with pytest.raises(EventLogError, match=r"broke off .KeyboardInterrupt"):
            writer.append(payloads(1))


def _interrupt(_descriptor: int) -> None:
    raise KeyboardInterrupt


def test_a_file_that_cannot_grow_loses_nothing_and_can_be_tried_again(
    tmp_path: Path,
) -> None:
    """The kernel refuses the write half-way, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SegmentWriter(tmp_path, "live") as writer:
        writer.append(payloads(1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(EventLogError, match="File too large"):
                writer.append([b"x" * 600, b"y" * 600])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert writer.trouble is None
        assert segment_files(tmp_path)[0].stat().st_size == 16
        assert writer.append(payloads(1, first=1)) == range(1, 2)
    assert stored(tmp_path) == payloads(2)


WRITE_FOREVER = """
import sys
from pathlib import Path
from code24.event_log import SegmentWriter
with SegmentWriter(Path(sys.argv[1]), "live", segment_bytes=20_000) as writer:
    while True:
        first = writer.end
        writer.append([b"record %d" % n for n in range(first, first + 7)])
        print(writer.end, flush=True)
"""


def test_readers_follow_a_writer_that_is_killed_again_and_again(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(4):
        acknowledged = _write_read_and_kill(tmp_path, acknowledged)
    with SegmentWriter(tmp_path, "live") as writer:
        assert writer.end >= acknowledged
    assert stored(tmp_path) == payloads(end_offset(tmp_path, "live"))


def _write_read_and_kill(folder: Path, acknowledged: int) -> int:
    command = [sys.executable, "-c", WRITE_FOREVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(100):
            acknowledged = int(process.stdout.readline())
            tail = [record.payload for record in read(folder, "live", acknowledged - 7)]
            assert tail[:7] == payloads(7, first=acknowledged - 7)
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
    return int(said[-1]) if said else acknowledged
