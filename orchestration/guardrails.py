"""Guardrails while a test runs: switched off at once, then judged by an analysis.

The live counters trigger and decide nothing. So the test that crossed is switched off,
which can be taken back, before the analysis that the same message asks for begins: that
one rolls the test back, or lets it go on. Should it fail, the test stays off.
"""

import logging
from collections.abc import Collection
from datetime import datetime

from code24.contracts.alarm import Alarm
from code24.errors import Code24Error
from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import State, alarms, experiments, messages

ACTOR = "guardrail"
_log = logging.getLogger("code24.worker")


def switch_off_crossed(settings: Settings, state: State, *, now: datetime) -> list[str]:
    """Switch off the running tests of which a crossing waits in the outbox.

    To be called before the outbox's messages become jobs: a process that dies between
    leaves them there, and the next does the same again. A test that an operator had
    switched off gets no alarm: nobody sees it.

    Returns:
        the tests that have an open alarm and are off now, by id.
    """
    crossings = [
        message.payload
        for message in messages.list_unsettled(state, "analytics_event")
        if message.payload.get("threshold") == alarms.THRESHOLD
    ]
    if not crossings:
        return []
    off = _tests_off(settings)
    for crossing in crossings:
        if crossing.get("testId") not in off:
            alarms.raise_alarm(state, crossing, actor=ACTOR, now=now)
    found = [alarm.test_id for alarm in alarms.list_alarms(state, is_open=True)]
    _switch(settings, found, is_off=True)
    return found


def clear(
    settings: Settings, state: State, sound: Collection[str], *, now: datetime
) -> list[Alarm]:
    """Let go on the tests whose alarm an analysis did not bear out.

    Args:
        settings: The home.
        state: The shared state.
        sound: The running tests that crossed no guardrail in the analysis.
        now: When.
    """
    found = alarms.list_alarms(state, is_open=True)
    cleared = [alarm for alarm in found if alarm.test_id in sound]
    _switch(settings, [alarm.test_id for alarm in cleared], is_off=False)
    for alarm in cleared:
        alarms.settle(state, alarm, "cleared", actor=ACTOR, now=now)
    return cleared


def lift_ended(settings: Settings, state: State, *, now: datetime) -> list[Alarm]:
    """Take away the switches of tests that have ended, once a release says so.

    Everybody sees the control, or what was shipped, by the release itself; an undo
    would find the test switched off otherwise.
    """
    found = alarms.list_alarms(state, is_open=True)
    ended = [
        alarm
        for alarm in found
        if experiments.get_test(state, alarm.test_id).status == "complete"
    ]
    _switch(settings, [alarm.test_id for alarm in ended], is_off=False)
    for alarm in ended:
        alarms.settle(state, alarm, "ended", actor=ACTOR, now=now)
    return ended


def _tests_off(settings: Settings) -> Collection[str]:
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    try:
        return reader.switches().tests_off
    except Code24Error as error:
        _log.error("guardrail: %s", error)
        return ()


def _switch(settings: Settings, test_ids: list[str], *, is_off: bool) -> None:
    """Switch tests; what the release folder refuses is told, and the analysis goes on.

    It ends in a decision and a release, which do the same.
    """
    if not test_ids:
        return
    publisher = Publisher(settings.releases, settings.keys)
    try:
        publisher.switch(is_off=is_off, test_ids=test_ids)
    except Code24Error as error:
        _log.error("guardrail: %s", error)
