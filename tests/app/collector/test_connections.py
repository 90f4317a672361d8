"""Senders that are slow, oversized or malformed, over bare sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.collector import connections, envelope
from code24.settings import HOST
from tests.app.collector.serving import Served, event

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    address = (HOST, served.settings.ports.collector)
    with socket.create_connection(address, timeout=30) as connection:
        yield connection


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the collector closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def test_who_says_nothing_or_ends_no_head_is_left(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with connected(served) as silent, connected(served) as slow:
        slow.sendall(HEAD)
        assert all_of(silent) == b""
        assert all_of(slow) == b""
    assert served.post(event()).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "BODY_SECONDS", 0.2)
    before = served.health()["endOffset"]
    with connected(served) as slow:
        slow.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        answer = all_of(slow)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come in 0.2 s" in answer
    assert served.health()["endOffset"] == before


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n",
        HEAD + b"X-Long: " + b"x" * 600_000,
        HEAD + b"".join(b"X-%d: 12345678\r\n" % n for n in range(4_000)) + b"\r\n",
        b"POST /" + b"x" * 600_000,
    ],
)
def test_too_long_a_head_is_refused(served: Served, head: bytes) -> None:
    with connected(served) as connection:
        try:
            connection.sendall(head)
            answer = all_of(connection)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""  # closed while it was being sent
    assert answer[:13] in {b"", b"HTTP/1.1 400 "}
    assert served.post(event()).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"User-Agent: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"User-Agent: a\r Injected: b\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Content-Length: -2\r\n\r\n{}",
        b"POST /v1/events\r\nHTTP/1.1\r\n\r\n",
    ],
)
def test_what_smuggles_or_injects_is_refused(served: Served, head: bytes) -> None:
    before = served.health()["endOffset"]
    with connected(served) as connection:
        connection.sendall(head)
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")
    assert served.health()["endOffset"] == before


def test_a_connection_is_used_for_many_requests(served: Served) -> None:
    length = len(HEAD)
    with connected(served) as connection:
        for _ in range(3):
            connection.sendall(HEAD[:20])
            connection.sendall(HEAD[20:length] + b"Content-Length: 2\r\n\r\n{}")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
