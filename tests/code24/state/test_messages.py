"""The outbox: nothing lost between a message and the job it becomes."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from code24.contracts.message import MessageType, Priority, WorkerMessage
from code24.settings import Settings
from code24.state import (
    NotKnownError,
    State,
    StateError,
    audit,
    decisions,
    experiments,
    jobs,
    messages,
    requests,
)
from code24.state.tables import messages as outbox
from tests.code24.state.conftest import NOW, decision, experiment

CONVERT = """
import sys
from datetime import datetime
from code24.state import open_state, requests
url, now = sys.argv[1:]
with open_state(url) as state:
    print("ready", flush=True)
    while True:
        requests.messages_to_jobs(state, "w", now=datetime.fromisoformat(now), limit=5)
"""


def _message(
    sort: MessageType = "analytics_event",
    priority: Priority = "medium",
    site_id: str = "shop",
    **payload: Any,
) -> WorkerMessage:
    return WorkerMessage(
        type=sort,
        site_id=site_id,
        priority=priority,
        payload=payload,
        timestamp=int(NOW.timestamp() * 1000),
    )


def _put(state: State, message: WorkerMessage) -> int:
    return messages.put(state, message, actor="collector", now=NOW)


def _convert(state: State) -> int:
    return requests.messages_to_jobs(state, "w1", now=NOW)


def test_each_type_of_message_becomes_the_kind_of_job_that_consumes_it(
    state: State,
) -> None:
    _put(state, _message(testId="hero"))
    _put(state, _message("test_result", "low"))
    _put(state, _message("optimization_request", "urgent", kind="release"))
    assert _convert(state) == 3
    made = {
        job.job_type: (job.worker_type, job.priority) for job in jobs.list_jobs(state)
    }
    assert made == {
        "analysis": ("ab_testing", 5),
        "priors": ("ab_testing", 8),
        "release": ("platform", 1),
    }
    (analysis,) = jobs.list_jobs(state, job_type="analysis")
    assert analysis.payload == {"messageId": 1, "testId": "hero"}
    assert _convert(state) == 0


def test_messages_of_one_site_and_kind_are_one_job_until_it_runs(state: State) -> None:
    for priority in ("low", "high"):
        _put(state, _message(priority=priority))
    assert requests.waits(state)
    assert not requests.waits(state, since=NOW - timedelta(seconds=1))
    _convert(state)
    assert not requests.waits(state)
    (job,) = jobs.claim(state, "analysis", "w", 60, now=NOW)
    assert job.priority == 3
    _put(state, _message())
    _convert(state)
    jobs.complete(state, job.id, "w", now=NOW)
    assert len(jobs.list_jobs(state, status="queued")) == 1


def test_a_request_with_a_key_makes_one_job(state: State) -> None:
    for _ in range(2):
        _put(state, _message("optimization_request", requestKey="a", kind="analysis"))
        _convert(state)
        for job in jobs.claim(state, "analysis", "w", 60, now=NOW):
            jobs.complete(state, job.id, "w", now=NOW)
    by_hand = requests.request(
        state, "shop", "analysis", "urgent", actor="ann", now=NOW, key="a"
    )
    assert [job.id for job in jobs.list_jobs(state)] == [by_hand.id]
    assert by_hand.status == "complete"


def test_a_request_by_hand_is_a_job_at_once_and_a_message_for_the_record(
    state: State,
) -> None:
    job = requests.request(state, "shop", "priors", "urgent", actor="ann", now=NOW)
    assert (job.job_type, job.priority, job.status) == ("priors", 1, "queued")
    (message,) = messages.list_messages(state, "shop")
    assert (message.type, message.payload) == (
        "optimization_request",
        {"kind": "priors"},
    )
    assert _convert(state) == 0
    with pytest.raises(NotKnownError, match="site 'gone'"):
        requests.request(state, "gone", "priors", "low", actor="ann", now=NOW)


def test_a_message_of_an_unknown_kind_is_told_and_stops_no_other(state: State) -> None:
    number = _put(state, _message("optimization_request", kind="seo-of-tomorrow"))
    _put(state, _message())
    assert _convert(state) == 2
    assert [job.job_type for job in jobs.list_jobs(state)] == ["analysis"]
    refused = audit.list_entries(state, subject=f"message:{number}")[0]
    assert refused.action == "message.refused"
    assert "'seo-of-tomorrow' is none of analysis" in refused.after["reason"]


def test_a_message_needs_a_known_site_and_valid_fields(state: State) -> None:
    with pytest.raises(NotKnownError, match="site 'gone' is not known"):
        _put(state, _message(site_id="gone"))
    with pytest.raises(StateError, match="siteId"):
        _put(state, _message(site_id="Not A Slug"))
    assert not requests.waits(state)


def test_a_decision_that_ends_a_test_tells_so_in_its_transaction(state: State) -> None:
    experiments.create_test(state, experiment(), actor="t", now=NOW)
    decisions.record(state, decision(kind="keep", decision_id="d1"), actor="loop")
    assert messages.list_messages(state) == []
    decisions.record(state, decision(), actor="loop")
    decisions.record(state, decision(), actor="loop")
    (message,) = messages.list_messages(state)
    assert (message.type, message.payload["testId"]) == ("test_result", "hero")
    decisions.undo(state, "d-ship", actor="ann", now=NOW)
    _convert(state)
    kinds = {job.job_type: job.priority for job in jobs.list_jobs(state)}
    assert kinds == {"priors": 5, "release": 1}


def test_what_an_operator_changes_asks_for_an_urgent_release(state: State) -> None:
    experiments.create_test(state, experiment(), actor="t", now=NOW)
    experiments.transition(state, "hero", "paused", actor="ann", now=NOW)
    experiments.set_weights(state, "hero", [0.2, 0.8], actor="ann", now=NOW)
    _convert(state)
    (job,) = jobs.list_jobs(state)
    assert (job.job_type, job.priority) == ("release", 1)


def test_a_converter_killed_again_and_again_loses_and_doubles_nothing(
    settings: Settings, state: State
) -> None:
    for number in range(300):
        _put(state, _message("optimization_request", requestKey=f"k{number}"))
    command = [sys.executable, "-c", CONVERT, settings.database_url, NOW.isoformat()]
    kills = 0
    while requests.waits(state):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
        kills += 1
    assert kills >= 1
    with state.read() as connection:
        unsettled = outbox.c.settled_at.is_(None)
        count = sa.select(sa.func.count()).where(unsettled)
        assert connection.execute(count).scalar() == 0
        keys = sa.text("SELECT count(*), count(DISTINCT job_id) FROM job_requests")
        assert connection.execute(keys).one() == (300, 1)
