"""Crossings become messages, off the event loop and off the committer.

A crossing waits in the live state, and in its checkpoint, until the shared state has
its message; it is put again until then. After a start a crossing may be found anew in
the log whose message was put just before the end, so messages of that record are
looked for first.
"""

import logging
import threading
from datetime import UTC, datetime

from app.collector.live.crossings import PRIORITY, Crossing
from app.collector.live.sighting import milliseconds
from app.collector.live.state import LiveState
from code24.contracts.message import WorkerMessage
from code24.state import NotKnownError, State, StateError, messages

ACTOR = "collector"
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 30.0
MAX_PENDING = 10_000
"""Crossings that wait while the shared state is away; further ones are counted lost.
A site has four thresholds and some tests, each of which crosses once."""

_log = logging.getLogger(__name__)


class Outbox:
    """The thread that puts crossings into the shared state's outbox."""

    def __init__(self, live: LiveState, state: State) -> None:
        self.put = 0
        self.failures = 0
        self.lost = 0
        self._live = live
        self._state = state
        self._recovered = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self, recovered: int) -> None:
        """Put what waits, and whatever comes.

        Args:
            recovered: Up to which offset the log was read again.
        """
        self._recovered = recovered
        self._live.on_crossing = self._wake.set
        self._wake.set()
        self._thread.start()

    def close(self) -> None:
        """End the thread; what could not be put waits in the checkpoint."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._put_all()
                wait = FIRST_WAIT_SECONDS
            except StateError as error:
                self.failures += 1
                _log.warning(
                    "a message cannot be put, again in %.1f s: %s", wait, error
                )
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                self._wake.set()

    def _put_all(self) -> None:
        with self._live.lock:
            waiting = list(self._live.pending)
        for crossing in waiting[MAX_PENDING:]:
            self.lost += 1
            self._live.settle(crossing)
        for crossing in waiting[:MAX_PENDING]:
            self._put(crossing)
            self._live.settle(crossing)

    def _put(self, crossing: Crossing) -> None:
        message = message_of(crossing, self._live.partition)
        try:
            if crossing.offset < self._recovered and self._is_there(message):
                return
            messages.put(self._state, message, actor=ACTOR, now=datetime.now(UTC))
            self.put += 1
        except NotKnownError as error:
            self.lost += 1
            _log.warning("a message is dropped: %s", error)

    def _is_there(self, message: WorkerMessage) -> bool:
        found = messages.list_messages(self._state, message.site_id)
        return any(_identity(one) == _identity(message) for one in found)


def message_of(crossing: Crossing, partition: str) -> WorkerMessage:
    """Return the message that a crossing asks for work with."""
    subject = crossing.subject
    details = {
        "testId": subject.test_id,
        "goalType": crossing.goal_type,
        "variantId": subject.detail if subject.test_id else "",
        "metric": "" if subject.test_id else subject.detail,
    }
    return WorkerMessage(
        type="analytics_event",
        site_id=subject.site_id,
        priority=PRIORITY[subject.name],
        payload={
            "threshold": subject.name,
            "value": round(crossing.value, 6),
            "limit": crossing.limit,
            "partition": partition,
            "offset": crossing.offset,
            **{name: value for name, value in details.items() if value},
        },
        timestamp=milliseconds(crossing.at),
    )


def _identity(message: WorkerMessage) -> tuple[object, ...]:
    names = ("threshold", "testId", "variantId", "metric", "partition", "offset")
    return message.type, *(message.payload.get(name) for name in names)
