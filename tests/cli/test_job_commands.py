"""``code24 job``, and what doctor says of jobs: real processes on their own home."""

import json
from datetime import UTC, datetime, timedelta

from code24.settings import Settings
from code24.state import jobs, open_state, workers
from tests.cli.test_commands import code24, shop

__all__ = ["shop"]


def test_a_job_is_asked_for_shown_cancelled_and_tried_again(shop: Settings) -> None:
    ask = ("job", "request", "shop", "--kind", "analysis", "--key", "k", "--json")
    asked = json.loads(code24(shop, *ask).stdout)
    assert json.loads(code24(shop, *ask).stdout)["id"] == asked["id"]
    assert "Would cancel" in code24(shop, "job", "cancel", asked["id"]).stdout
    assert code24(shop, "job", "cancel", asked["id"], "--yes").returncode == 0
    again = code24(shop, "job", "cancel", asked["id"], "--yes")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    listed = code24(shop, "job", "list", "--status", "cancelled", "--json")
    assert [job["id"] for job in json.loads(listed.stdout)] == [asked["id"]]
    assert "Would try" in code24(shop, "job", "retry", asked["id"]).stdout
    assert code24(shop, "job", "retry", asked["id"], "--yes").returncode == 0
    assert "queued" in code24(shop, "job", "show", asked["id"]).stdout
    assert code24(shop, "job", "list", "--kind", "priors", "--json").stdout == "[]\n"


def test_doctor_tells_of_dead_jobs_and_of_a_worker_that_is_silent(
    shop: Settings,
) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=10)
    with open_state(shop.database_url) as state:
        kind = ("shop", "ab_testing", "analysis")
        job_id = jobs.enqueue(state, *kind, "low", now=ago, payload={})
        jobs.claim(state, "analysis", "w", 60, now=ago)
        jobs.fail(state, job_id, "w", "the reason", now=ago)
        workers.beat(state, "w", started_at=ago, now=datetime.now(UTC), run_id=None)
        assert "code24 job list --status failed" in _jobs_finding(shop, "1 dead")
        jobs.retry(state, job_id, actor="test", now=ago)
        assert "restart code24 up" in _jobs_finding(shop, "1 jobs overdue")


def _jobs_finding(shop: Settings, detail: str) -> str:
    found = json.loads(code24(shop, "doctor", "--json").stdout)
    (finding,) = (each for each in found if each["part"] == "jobs")
    assert finding["health"] == "ill"
    assert detail in finding["detail"]
    return str(finding["way_out"])
