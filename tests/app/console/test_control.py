"""What the console asks of, and changes through, the other processes."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from app.console.control import Control, ControlError
from app.console.processes import processes
from code24.settings import Settings


class Answers(BaseHTTPRequestHandler):
    """Answers as the control API's address would, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    bodies: ClassVar[list[dict[str, object]]] = []
    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b'{"status": "ok"}'

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if sent:
            self.bodies.append(json.loads(sent))
        self._answer()

    def _answer(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def listening(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    home.keys.mkdir(parents=True)
    (home.keys / "operator.token").write_text("secret\n")
    monkeypatch.setattr(Answers, "asked", [])
    monkeypatch.setattr(Answers, "bodies", [])
    server = ThreadingHTTPServer(("127.0.0.1", home.ports.platform), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield home
    server.shutdown()
    thread.join()
    server.server_close()


def test_undo_is_asked_with_the_operator_s_token(listening: Settings) -> None:
    Control(listening).step("t-1", "undo", reason="too soon")
    assert Answers.asked == [("/v1/tests/t-1/undo", "Bearer secret")]
    assert Answers.bodies == [{"reason": "too soon"}]


def test_a_refusal_is_told_in_the_control_api_s_words(
    listening: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "status", 409)
    monkeypatch.setattr(Answers, "body", b'{"error": "d-1 is undone already"}')
    with pytest.raises(ControlError, match="409: d-1 is undone already"):
        Control(listening).step("t-1", "undo")


def test_without_the_control_api_undo_says_how_to_start_it(home: Settings) -> None:
    home.keys.mkdir(parents=True)
    (home.keys / "operator.token").write_text("secret\n")
    with pytest.raises(ControlError, match="does not answer; start it with `make up`"):
        Control(home).step("t-1", "undo")


def test_without_a_token_undo_says_where_it_comes_from(home: Settings) -> None:
    with pytest.raises(ControlError, match=r"operator\.token: .*cannot be read"):
        Control(home).step("t-1", "undo")


def test_an_answer_of_another_version_is_told_in_one_line(listening: Settings) -> None:
    with pytest.raises(ControlError, match="tells what is not known: "):
        Control(listening).test("t-1")


def test_processes_say_who_answers(listening: Settings) -> None:
    state = {process.name: process.is_well for process in processes(listening)}
    assert state.pop("Control API")
    assert not any(state.values())


def test_a_degraded_process_says_why(
    listening: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"degraded": true, "reason": "serves r000002"}'
    monkeypatch.setattr(Answers, "body", body)
    found = {process.name: process for process in processes(listening)}["Control API"]
    assert (found.is_well, found.says) == (False, "serves r000002")
