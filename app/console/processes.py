"""The processes of this machine, and how they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from code24.settings import HOST, Settings

TIMEOUT_SECONDS = 2.0
"""The processes are on this machine; one that takes longer is not well."""


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
