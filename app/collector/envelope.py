"""What every request holds: a body, plain or as gzip, and maybe a key in its header."""

import asyncio
import base64
import binascii
import zlib

from starlette.requests import ClientDisconnect, Request

from app.collector.protocols.protocol import BadBodyError
from app.collector.refusals import RefusalError, too_large, too_slow, unauthorized
from code24.contracts.event import MAX_BATCH_BYTES

BODY_SECONDS = 10
"""A body of 500 KB comes in this at 400 kbit/s; slower senders hold a place."""
GZIP = 16 + zlib.MAX_WBITS
"""zlib's way to ask for a gzip header and nothing else."""


async def read_body(request: Request) -> bytes:
    """Read the whole body, inflated where it came as gzip.

    Raises:
        RefusalError: it is encoded otherwise, longer than ``MAX_BATCH_BYTES`` as sent
            or inflated, did not come in ``BODY_SECONDS``, or ended too early.
        BadBodyError: it is not the gzip that it is said to be.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise RefusalError(
            415,
            "encoding",
            f"Content-Encoding {encoding!r} is not known; send gzip, or as it is",
        )
    _check_size(_declared_size(request))
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(request)
    except TimeoutError:
        raise too_slow(f"the body did not come in {BODY_SECONDS} s") from None
    except ClientDisconnect:
        raise RefusalError(400, "cut_off", "the body ended before its length") from None
    return _inflated(body) if encoding.endswith("gzip") else body


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body))
    return bytes(body)


def _inflated(body: bytes) -> bytes:
    """Inflate one gzip stream, no further than one byte beyond what is allowed."""
    stream = zlib.decompressobj(wbits=GZIP)
    try:
        inflated = stream.decompress(body, MAX_BATCH_BYTES + 1)
    except zlib.error as error:
        raise BadBodyError(f"bad_gzip: {error}") from error
    _check_size(len(inflated))
    if not stream.eof or stream.unused_data:
        raise BadBodyError("bad_gzip: the body is not one whole gzip stream")
    return inflated


def header_key(request: Request) -> str | None:
    """Return the user name of Basic authorization; none where there is no header.

    Raises:
        RefusalError: the header cannot be read.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise unauthorized(
            "bad_key", "Authorization must be Basic, the write key its user name"
        )
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise unauthorized(
            "bad_key", "Authorization: Basic is not base64 of UTF-8"
        ) from None
    return decoded.partition(":")[0]


def _declared_size(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text[:18]) if text.isdecimal() else 0


def _check_size(size: int) -> None:
    if size > MAX_BATCH_BYTES:
        raise too_large(
            "too_large", f"the body is larger than {MAX_BATCH_BYTES} bytes; send less"
        )
