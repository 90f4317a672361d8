"""Following the shared state: what was analysed, which thresholds and tests hold."""

import logging
import threading
import time

from app.collector.live.rules import Rules, rules_of
from app.collector.live.state import LiveState
from code24.state import State, StateError, analysed, audit, experiments, thresholds

POLL_SECONDS = 0.2
"""How late it is seen at most that a site was analysed."""
RULES_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Follower:
    """The thread that tells the live state what has changed in the shared state."""

    def __init__(self, live: LiveState, state: State) -> None:
        """Read everything once, so that the log is applied under what holds now.

        Raises:
            StateError: the state cannot be read.
        """
        self._live = live
        self._state = state
        self._audited = -1
        self._change_id = 0
        self._read_at = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.look()

    def start(self) -> None:
        """Look again and again."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once.

        Raises:
            StateError: the state cannot be read.
        """
        rules = self._changed_rules()
        self._change_id, found = analysed.changed_since(self._state, self._change_id)
        if rules is not None or found:
            self._live.follow(rules, found)

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self.look()
            except StateError as error:
                _log.warning("the shared state cannot be followed now: %s", error)
                self._stop.wait(RULES_SECONDS)

    def _changed_rules(self) -> Rules | None:
        """Return the rules where something was audited since; at most once a second."""
        if time.monotonic() - self._read_at < RULES_SECONDS:
            return None
        newest = audit.newest_id(self._state)
        self._read_at = time.monotonic()
        if newest == self._audited:
            return None
        own = thresholds.list_changed(self._state)
        running = experiments.list_tests(self._state, status="running")
        self._audited = newest
        return rules_of(own, running)
