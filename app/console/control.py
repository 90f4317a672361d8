"""The processes of this machine, and the control API: the one way to change things."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from code24.errors import Code24Error
from code24.settings import HOST, Settings

TIMEOUT_SECONDS = 2.0
"""The processes are on this machine; one that takes longer is not well."""
Subject = Literal["siteId", "testId"]


class ControlError(Code24Error):
    """The control API refused or did not answer."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this machine and how it answered."""

    name: str
    address: str
    is_well: bool
    says: str


def processes(settings: Settings) -> list[Process]:
    """Ask each serving process how it is."""
    ports = settings.ports
    return [
        _ask("Collector", ports.collector, "/health"),
        _ask("Dispatcher", ports.dispatcher, "/health"),
        _ask("Control API", ports.platform, "/health"),
        _ask("Dagster", ports.dagster, "/server_info"),
        _ask("Documentation", ports.docs, "/health"),
    ]


def _ask(name: str, port: int, path: str) -> Process:
    address = f"http://{HOST}:{port}"
    try:
        answer = httpx.get(address + path, timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError:
        return Process(name, address, False, "does not answer; start it: make up")
    if answer.status_code >= 400:
        return Process(name, address, False, f"answers {answer.status_code}")
    reason = _degraded(answer)
    return Process(name, address, reason is None, reason or "answers")


def _degraded(answer: httpx.Response) -> str | None:
    """Return why a process calls itself degraded, none where it does not."""
    try:
        body: Any = answer.json()
    except ValueError:
        return None
    if not isinstance(body, Mapping) or not body.get("degraded"):
        return None
    return str(body.get("reason") or body["degraded"])


class Control:
    """The control API as the console uses it; the one way to change anything."""

    def __init__(self, settings: Settings) -> None:
        self._base = f"http://{HOST}:{settings.ports.platform}"
        self._token_path = settings.keys / "operator.token"

    def undo(self, decision_id: str) -> None:
        """Take a decision back; the control API logs it as a decision of its own.

        Raises:
            ControlError: it refused, or does not answer; says so in its words.
        """
        self._post(f"/v1/decisions/{decision_id}/undo")

    def undo_command(self, decision_id: str) -> str:
        """Return the command that does the same from a terminal."""
        return self._command(f"/v1/decisions/{decision_id}/undo")

    def switch(self, subject: Subject, subject_id: str, *, is_off: bool) -> None:
        """Turn a site or a test off, or on again, in every serving process at once.

        Raises:
            ControlError: it refused, or does not answer; says so in its words.
        """
        self._post("/v1/switches", {subject: subject_id, "isOff": is_off})

    def switch_command(self, subject: Subject, subject_id: str, *, is_off: bool) -> str:
        """Return the command that does the same from a terminal."""
        body = json.dumps({subject: subject_id, "isOff": is_off})
        return f"{self._command('/v1/switches')} -d '{body}'"

    def jobs(self) -> dict[str, Any]:
        """Return jobs, counts by status, and workers, as the control API tells them.

        Raises:
            ControlError: it refused, or does not answer; says so in its words.
        """
        return {**self._get("/v1/jobs"), **self._get("/v1/workers")}

    def retry(self, job_id: str) -> None:
        """Queue a dead job again.

        Raises:
            ControlError: it refused, or does not answer; says so in its words.
        """
        self._post(f"/v1/jobs/{job_id}/retry")

    def retry_command(self, job_id: str) -> str:
        """Return the command that does the same from a terminal."""
        return f"code24 job retry {job_id} --yes"

    def _command(self, path: str) -> str:
        return (
            f'curl -X POST -H "Authorization: Bearer $(cat {self._token_path})" '
            f"{self._base}{path}"
        )

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._send("GET", path, {}).json()
        return answer

    def _post(self, path: str, body: dict[str, object] | None = None) -> None:
        self._send("POST", path, self._headers(), body)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, object] | None = None,
    ) -> httpx.Response:
        try:
            answer = httpx.request(
                method,
                self._base + path,
                json=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ControlError(
                f"{self._base} (control API) does not answer; start it with `make up`"
            ) from error
        if answer.status_code >= 400:
            raise ControlError(
                f"The control API answers {answer.status_code}: {_message(answer)}"
            )
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {_token(self._token_path)}"}


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ControlError(
            f"{path}: the operator's token cannot be read; the control API makes it "
            "when it first starts (`make up`)"
        ) from error


def _message(answer: httpx.Response) -> str:
    """Return what the control API says is wrong, or the start of its answer."""
    try:
        body: Any = answer.json()
    except ValueError:
        return answer.text[:200]
    if isinstance(body, Mapping):
        return str(body.get("error") or body.get("detail") or dict(body))
    return str(body)[:200]
