"""Drives a server over loopback: open loop at a rate, closed loop at full speed."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from code24.settings import HOST


@dataclass(frozen=True, slots=True)
class Request:
    """A prepared HTTP/1.1 request, and how many events it carries."""

    wire: bytes
    events: int = 1


def post(path: str, body: bytes, authorization: str) -> Request:
    """Prepare a POST of a JSON body with a Basic authorization."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Request(head.encode() + body)


def get(path: str) -> Request:
    """Prepare a GET."""
    return Request(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(), 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: seconds from due time to answer of each, and refusals."""

    latencies: tuple[float, ...]
    failed: int
    seconds: float

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that ``share`` of requests stay below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


async def open_loop(
    port: int, requests: Sequence[Request], rate: float, connections: int = 64
) -> Outcome:
    """Send at a fixed rate, whatever the server does.

    The clock of a request starts when it was due, not when a connection was free: a
    server that stalls is charged for all that had to wait.
    """
    due: asyncio.Queue[tuple[float, Request] | None] = asyncio.Queue()
    latencies: list[float] = []
    failed = count()
    workers = [
        asyncio.create_task(_worker(port, due, latencies, failed))
        for _ in range(connections)
    ]
    start = time.perf_counter()
    for number, request in enumerate(requests):
        at = start + number / rate
        await asyncio.sleep(max(at - time.perf_counter(), 0))
        due.put_nowait((at, request))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return Outcome(tuple(latencies), next(failed), time.perf_counter() - start)


async def closed_loop(
    port: int, requests: Sequence[Request], connections: int = 16
) -> Outcome:
    """Send as fast as answers come, over a fixed number of connections."""
    due: asyncio.Queue[tuple[float, Request] | None] = asyncio.Queue()
    latencies: list[float] = []
    failed = count()
    start = time.perf_counter()
    for request in requests:
        due.put_nowait((start, request))
    for _ in range(connections):
        due.put_nowait(None)
    await asyncio.gather(
        *(_worker(port, due, latencies, failed) for _ in range(connections))
    )
    return Outcome(tuple(latencies), next(failed), time.perf_counter() - start)


async def _worker(
    port: int,
    due: "asyncio.Queue[tuple[float, Request] | None]",
    latencies: list[float],
    failed: "count[int]",
) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        while (item := await due.get()) is not None:
            at, request = item
            writer.write(request.wire)
            if not await _answered_well(reader):
                next(failed)
            latencies.append(time.perf_counter() - at)
    finally:
        writer.close()
        await writer.wait_closed()


async def _answered_well(reader: asyncio.StreamReader) -> bool:
    """Read one answer with a Content-Length; tell whether its status is 2xx or 304."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    status = head[9:12]
    return status.startswith(b"2") or status == b"304"
