"""Writing: one writer a partition, one sync an append, torn tails cut at the start."""

import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from code24.event_log import files
from code24.event_log.files import EventLogError
from code24.event_log.frames import frame, next_payload
from code24.event_log.redaction import redacting

SEGMENT_BYTES = 64 * 1024 * 1024
"""A segment that has reached this is closed; its last append may go beyond."""

_log = logging.getLogger(__name__)


class EventLog(Protocol):
    """One partition's writing half; Kafka's would acknowledge with ``acks=all``."""

    @property
    def end(self) -> int:
        """Return the offset that the next record will have."""

    @property
    def trouble(self) -> str | None:
        """Return why every append is refused; none while it is not."""

    def append(self, payloads: Sequence[bytes]) -> range:
        """Return the records' offsets once they are durable, all or none."""

    def close(self) -> None:
        """Leave the partition to another writer."""


class SegmentWriter:
    """The one writer of a partition of segments on disk; a context manager.

    After a failed sync nothing is known of what the disk holds, so the writer then
    refuses every further append until it is opened anew and has read its segment.
    """

    def __init__(
        self, folder: Path, partition: str, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Take the partition's lock, cut a torn tail, go on after the last record.

        Raises:
            EventLogError: another writer holds the partition, or what is durable is
                damaged.
        """
        self._place = files.partition_folder(folder, partition)
        self._segment_bytes = segment_bytes
        self._trouble: str | None = None
        self._open: list[int] = []
        try:
            self._start()
        except OSError as error:
            self._release()
            raise EventLogError(f"{self._place}: cannot be written: {error}") from error
        except EventLogError:
            self._release()
            raise

    @property
    def end(self) -> int:
        """Return the offset that the next record will have."""
        return self._end

    @property
    def trouble(self) -> str | None:
        """Return why the writer refuses to append; none while it does not."""
        return self._trouble

    def append(self, payloads: Sequence[bytes]) -> range:
        """Write the records, all or none, and return their offsets once synced.

        Raises:
            EventLogError: nothing was appended. A full disk can be tried again; after
                a failed sync (``trouble``) the writer must be opened anew.
        """
        if self._trouble is not None:
            raise EventLogError(
                f"{self._place}: {self._trouble}; nothing is written until the "
                "process is started anew"
            )
        data = b"".join(map(frame, payloads))
        if data:
            self._append(data, len(payloads))
        return range(self._end - len(payloads), self._end)

    def close(self) -> None:
        """Make the durable end durable itself and leave the lock."""
        if self._open:
            os.fdatasync(self._mark)
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        self._place.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self._place / files.LOCK)
        self._open.append(self._lock)
        self._mark = self._file(self._place / files.DURABLE, os.O_RDWR)
        path = _last_segment(self._place)
        self._segment = self._file(path, os.O_WRONLY | os.O_APPEND)
        durable = files.read_mark(self._mark, self._place / files.DURABLE)
        with redacting(self._place):
            self._end, self._size = _recover(path, self._segment, durable)
        files.write_mark(self._mark, self._end)
        os.fdatasync(self._mark)
        files.sync_folder(self._place)
        files.sync_folder(self._place.parent)

    def _append(self, data: bytes, count: int) -> None:
        try:
            if self._size >= self._segment_bytes:
                self._rotate()
            self._write(data)
            os.fdatasync(self._segment)
            files.write_mark(self._mark, self._end + count)
            self._end += count
            self._size += len(data)
        except EventLogError:
            raise
        except BaseException as error:
            self._trouble = f"an append broke off ({error!r})"
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise

    def _rotate(self) -> None:
        """Go over to a new segment, or stay with the old one, to be tried again."""
        path = files.segment_path(self._place, self._end)
        try:
            os.fdatasync(self._mark)
            following = self._file(path, os.O_WRONLY | os.O_APPEND)
            files.sync_folder(self._place)
        except OSError as error:
            raise self._failure(error) from error
        finished, self._segment, self._size = self._segment, following, 0
        self._open.remove(finished)
        os.close(finished)

    def _write(self, data: bytes) -> None:
        """Write it whole, or take back what was written so that it can be retried."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._segment, rest) :]
        except OSError as error:
            os.ftruncate(self._segment, self._size)
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> EventLogError:
        return EventLogError(f"{self._place}: not written: {error}")

    def _file(self, path: Path, flags: int) -> int:
        descriptor = os.open(path, flags | os.O_CREAT, 0o644)
        self._open.append(descriptor)
        return descriptor

    def _release(self) -> None:
        while self._open:
            os.close(self._open.pop())


def _take_lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 64, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise EventLogError(
            f"{path.parent}: process {holder} is writing it; stop that one first"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _last_segment(place: Path) -> Path:
    found = files.segments(place)
    return found[-1] if found else files.segment_path(place, 0)


def _recover(path: Path, segment: int, durable: int) -> tuple[int, int]:
    """Cut what follows the last whole record; return the next offset and the size.

    Raises:
        EventLogError: a record is damaged that was acknowledged.
    """
    end, size = _scan(path)
    if end < durable:
        raise EventLogError(
            f"{path}: damaged at byte {size} (offset {end}), though the log was "
            f"durable to {durable}; restore the file from a backup"
        )
    torn = path.stat().st_size - size
    if torn:
        _log.warning("%s: cut %d bytes that were never acknowledged", path, torn)
        os.ftruncate(segment, size)
    os.fsync(segment)
    return end, size


def _scan(path: Path) -> tuple[int, int]:
    end = files.first_offset(path)
    with path.open("rb") as file:
        size = 0
        while next_payload(file) is not None:
            end, size = end + 1, file.tell()
    return end, size
