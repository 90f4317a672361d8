"""Reading the body of a request: bounded in size and in time."""

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from code24.errors import Code24Error

MOST_BYTES = 64 * 1024
"""A visitor's context is a few hundred bytes. Range 4 kB to 1 MB."""
PATIENCE_SECONDS = 10.0
"""How long a body may take to come in. Range 1 to 60."""

T = TypeVar("T")


class BodyError(Code24Error):
    """A body that cannot be taken; says with which status to answer."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


async def read(request: Request, kind: type[T]) -> T:
    """Return the body as this contract.

    Raises:
        BodyError: 413 where it is too large, 408 where it does not come, 400 where it
            is not JSON of this form.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            body = await _bounded(request)
    except (TimeoutError, ClientDisconnect):
        raise BodyError(408, "the body did not come in time") from None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(400, f"body: {error}") from None


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BodyError(413, f"body: more than {MOST_BYTES:,} bytes")
    return bytes(body)
