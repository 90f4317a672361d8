"""The control API: the one way by which the console changes anything."""

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from code24.contracts.alarm import Alarm
from code24.contracts.approval import Approval, ApprovalStatus
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment
from code24.contracts.site_policy import SitePolicy
from code24.contracts.slots import Queue
from code24.errors import Code24Error
from code24.settings import HOST, Settings
from code24.state.erasures import Erasure
from code24.state.retention import KeptDays

READ_SECONDS = 2.0
"""It is on this machine: one that takes longer to tell something is not well."""
CHANGE_SECONDS = 30.0
"""A change is published before it is answered, over every site; and may have to wait
for another process's."""
Subject = Literal["siteId", "testId"]
Step = Literal["start", "pause", "stop", "ship", "undo"]
Answer = Literal["approve", "reject"]
T = TypeVar("T")


class ControlError(Code24Error):
    """The control API refused or did not answer."""


class Control:
    """The control API as the console uses it.

    Whatever it refuses, and that it does not answer, is a ``ControlError`` that says
    so in its words.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = f"http://{HOST}:{settings.ports.platform}"
        self._token_path = settings.keys / "operator.token"

    def test(self, test_id: str) -> Experiment:
        """Return a test as it stands now."""
        return self._told(f"/v1/tests/{quote(test_id, safe='')}", Experiment)

    def decisions(self, test_id: str) -> list[Decision]:
        """Return the decisions about a test in the order they were taken."""
        told = self._get(f"/v1/decisions?testId={quote(test_id, safe='')}")
        return _as(told.get("decisions"), list[Decision])

    def open_alarms(self, test_id: str) -> list[Alarm]:
        """Return the guardrail that a test has crossed and that is not settled yet."""
        wanted = f"testId={quote(test_id, safe='')}&isOpen=true"
        return _as(self._get(f"/v1/alarms?{wanted}").get("alarms"), list[Alarm])

    def step(self, test_id: str, step: Step, **given: str) -> None:
        """Bring a test one step along.

        Args:
            test_id: The test.
            step: Where to.
            given: ``reason``, and for ``ship`` the ``variant``.
        """
        self._post(f"/v1/tests/{quote(test_id, safe='')}/{step}", given)

    def schedule(
        self, test_id: str, starts: datetime | None, ends: datetime | None
    ) -> None:
        """Plan when a test starts and ends, in place of what was planned."""
        body = {"plannedStartDate": starts, "plannedEndDate": ends}
        path = f"/v1/tests/{quote(test_id, safe='')}/schedule"
        self._post(path, msgspec.to_builtins(body))

    def schedule_command(
        self, test_id: str, starts: datetime | None, ends: datetime | None
    ) -> str:
        """Return the command that does the same from a terminal."""
        dates = (f"{d:%Y-%m-%dT%H:%M}" if d else "none" for d in (starts, ends))
        start, end = dates
        words = ["code24", "test", "schedule", test_id, "--start", start, "--end", end]
        return shlex.join(words)

    def step_command(self, test_id: str, step: Step, variant: str = "") -> str:
        """Return the command that does the same from a terminal."""
        words = ["code24", "test", step, test_id, *([variant] if variant else [])]
        reason = ' --reason "…"' if step in {"stop", "ship"} else ""
        return shlex.join(words) + reason

    def approvals(self, status: ApprovalStatus | None, limit: int) -> list[Approval]:
        """Return the newest proposals; of one status where asked."""
        wanted = f"&status={status}" if status else ""
        told = self._get(f"/v1/approvals?limit={limit}{wanted}")
        return _as(told.get("approvals"), list[Approval])

    def waiting(self) -> int:
        """Return how many proposals wait for an answer."""
        return _as(self._get("/v1/approvals?limit=0").get("waiting"), int)

    def answer(self, approval_id: str, answer: Answer) -> None:
        """Approve or reject a proposal."""
        self._post(f"/v1/approvals/{quote(approval_id, safe='')}/{answer}")

    def answer_command(self, approval_id: str, answer: Answer) -> str:
        """Return the command that does the same from a terminal."""
        return shlex.join(["code24", "approval", answer, approval_id])

    def policy(self, site_id: str) -> SitePolicy:
        """Return how far the platform goes by itself on a site."""
        return self._told(f"/v1/sites/{quote(site_id, safe='')}/policy", SitePolicy)

    def set_policy(self, policy: SitePolicy) -> None:
        """Settle a site's policy."""
        body: dict[str, object] = msgspec.to_builtins(policy)
        site_id = str(body.pop("siteId"))
        self._post(f"/v1/sites/{quote(site_id, safe='')}/policy", body)

    def queue(self, site_id: str) -> Queue:
        """Return a site's slots, what waits for them, and what a slot is worth."""
        return self._told(f"/v1/sites/{quote(site_id, safe='')}/slots", Queue)

    def policy_command(self, policy: SitePolicy) -> str:
        """Return the command that does the same from a terminal."""
        approve = "--approve" if policy.is_approval_needed else "--automatic"
        share = "--share" if policy.is_shared else "--keep-apart"
        words = ["code24", "site", "policy", policy.site_id, approve, share]
        return shlex.join([*words, "--holdout", f"{policy.holdout:g}"])

    def switch(self, subject: Subject, subject_id: str, *, is_off: bool) -> None:
        """Turn a site or a test off, or on again, in every serving process at once."""
        self._post("/v1/switches", {subject: subject_id, "isOff": is_off})

    def switch_command(self, subject: Subject, subject_id: str, *, is_off: bool) -> str:
        """Return the command that does the same from a terminal."""
        body = json.dumps({subject: subject_id, "isOff": is_off})
        return (
            f'curl -X POST -H "Authorization: Bearer $(cat {self._token_path})" '
            f"{self._base}/v1/switches -d '{body}'"
        )

    def erasures(self) -> list[Erasure]:
        """Return the receipts of erasures, the newest first."""
        return _as(self._get("/v1/erasures").get("erasures"), list[Erasure])

    def retention(self) -> list[KeptDays]:
        """Return how long each site's events are kept."""
        return _as(self._get("/v1/retention").get("retention"), list[KeptDays])

    def jobs(self) -> dict[str, Any]:
        """Return jobs, counts by status, and workers, as the control API tells them."""
        return {**self._get("/v1/jobs"), **self._get("/v1/workers")}

    def retry(self, job_id: str) -> None:
        """Queue a dead job again."""
        self._post(f"/v1/jobs/{job_id}/retry")

    def retry_command(self, job_id: str) -> str:
        """Return the command that does the same from a terminal."""
        return f"code24 job retry {job_id} --yes"

    def _told(self, path: str, kind: type[T]) -> T:
        return _as(self._get(path), kind)

    def _get(self, path: str) -> dict[str, Any]:
        told = self._send("GET", path, {}, None, READ_SECONDS)
        try:
            return _as(told.json(), dict[str, Any])
        except ValueError as error:
            raise ControlError(f"{self._base}{path}: answers no JSON") from error

    def _post(self, path: str, body: Mapping[str, object] | None = None) -> None:
        self._send("POST", path, self._headers(), body, CHANGE_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Mapping[str, object] | None,
        seconds: float,
    ) -> httpx.Response:
        address = self._base + path
        try:
            answer = httpx.request(
                method, address, json=body, headers=headers, timeout=seconds
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


def _as(told: Any, kind: type[T]) -> T:
    """Return what was told as its contract; another version may tell another."""
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise ControlError(
            f"The control API tells what is not known: {error}"
        ) from error


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
