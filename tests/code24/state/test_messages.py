"""The outbox: nothing lost between a message and the job it becomes."""

from datetime import timedelta

import pytest

from code24.contracts.message import Priority, WorkerMessage
from code24.state import NotKnownError, State, StateError, audit, messages
from tests.code24.state.conftest import NOW

LATER = NOW + timedelta(minutes=10)


def _message(priority: Priority = "medium", site_id: str = "shop") -> WorkerMessage:
    return WorkerMessage(
        type="analytics_event",
        site_id=site_id,
        priority=priority,
        payload={"conversions": 25},
        timestamp=1_772_368_215_123,
    )


def _put(state: State, message: WorkerMessage) -> int:
    return messages.put(state, message, actor="collector", now=NOW)


def _take(
    state: State, consumer: str = "w1", **changes: object
) -> list[messages.Taken]:
    return messages.take(state, consumer, 60, **({"now": NOW} | changes))  # type: ignore[arg-type]


def test_messages_come_back_as_they_were_put_most_urgent_first(state: State) -> None:
    priorities: list[Priority] = ["low", "urgent", "high"]
    put = [_put(state, _message(priority)) for priority in priorities]
    taken = _take(state)
    assert [entry.message_id for entry in taken] == [put[1], put[2], put[0]]
    assert taken[0].message == _message("urgent")


def test_a_settled_message_never_comes_again(state: State) -> None:
    number = _put(state, _message())
    _take(state)
    messages.settle(state, [number], "w1", now=NOW)
    assert _take(state, "w2", now=LATER) == []


def test_a_message_that_a_dead_worker_took_comes_again(state: State) -> None:
    _put(state, _message())
    assert len(_take(state)) == 1
    assert _take(state, "w2") == []
    assert len(_take(state, "w2", now=LATER)) == 1


def test_a_worker_settles_only_what_it_holds(state: State) -> None:
    first, second = _put(state, _message()), _put(state, _message())
    _take(state, limit=1)
    with pytest.raises(StateError, match="not all are held by 'w1'"):
        messages.settle(state, [first, second], "w1", now=NOW)
    assert len(_take(state, "w2", now=LATER)) == 2


def test_a_message_needs_its_site(state: State) -> None:
    with pytest.raises(NotKnownError, match="site 'gone' is not known"):
        _put(state, _message(site_id="gone"))


def test_a_wrong_field_is_named(state: State) -> None:
    wrong = _message("soon")  # type: ignore[arg-type]
    with pytest.raises(StateError, match="priority"):
        _put(state, wrong)


def test_putting_and_settling_are_audited(state: State) -> None:
    number = _put(state, _message())
    _take(state)
    messages.settle(state, [number], "w1", now=LATER)
    entries = audit.list_entries(state, subject=f"message:{number}")
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("message.settle", "w1"),
        ("message.put", "collector"),
    ]
