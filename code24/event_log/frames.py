"""How one record stands in a segment: length, checksum, payload.

The length and the CRC-32 of length and payload are four bytes each, little-endian.
The checksum covers the length, so that a run of zeros (what a power cut leaves of a
file) is no record.
"""

import struct
from mmap import mmap
from typing import BinaryIO
from zlib import crc32

from code24.event_log.files import EventLogError

_HEADER = struct.Struct("<II")
HEADER_BYTES = _HEADER.size
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A longer length is taken for damage; it bounds what one read can allocate."""


def frame(payload: bytes) -> bytes:
    """Return the payload as it stands in a segment.

    Raises:
        EventLogError: the payload is empty or longer than ``MAX_RECORD_BYTES``.
    """
    if not 0 < len(payload) <= MAX_RECORD_BYTES:
        raise EventLogError(
            f"a record of {len(payload)} bytes: must be 1 to {MAX_RECORD_BYTES}"
        )
    length = len(payload).to_bytes(4, "little")
    checksum = crc32(payload, crc32(length))
    return length + checksum.to_bytes(4, "little") + payload


def next_payload(file: BinaryIO) -> bytes | None:
    """Return the record at the file's position; none where no whole one stands."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    if not 0 < length <= MAX_RECORD_BYTES:
        return None
    payload = file.read(length)
    if len(payload) < length or crc32(payload, crc32(header[:4])) != checksum:
        return None
    return payload


def payload_length(data: mmap, position: int) -> int:
    """Return what the header at a position says of its payload's length."""
    return int(_HEADER.unpack_from(data, position)[0])


def skip_payload(file: BinaryIO) -> int | None:
    """Pass over the record at the file's position and return its payload's length.

    Its checksum is not looked at. None where no record can stand.
    """
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    length = int(_HEADER.unpack(header)[0])
    if not 0 < length <= MAX_RECORD_BYTES:
        return None
    file.seek(length, 1)
    return length
