"""Senders of events that go on through every fault, and know what was acknowledged."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from code24.assignment import assign
from code24.contracts.experiment import Experiment
from code24.contracts.site import Site
from code24.settings import HOST, Settings

UNITS = 8
"""Units of one batch: each is exposed, the first two convert."""
PAUSE_SECONDS = 0.1
"""Between two batches, so that senders do not take the processors from the rest."""


class Sender:
    """Sends batches of its own; of those without an answer it sends every other again.

    So there are events that came once and were acknowledged, that came twice, and of
    which the sender does not know.
    """

    def __init__(
        self, settings: Settings, site: Site, test: Experiment, name: str
    ) -> None:
        self._address = f"http://{HOST}:{settings.ports.collector}/v1/events"
        self._auth = (site.write_key, "")
        self._test = test
        self._name = name
        self._number = 0
        self.acknowledged: set[str] = set()
        self.unanswered: set[str] = set()

    def send(self, stop: threading.Event) -> None:
        """Send until told to stop."""
        with httpx.Client(auth=self._auth, timeout=30) as client:
            while not stop.is_set():
                self._number += 1
                self._send(client, self._batch(), stop)

    def _send(
        self,
        client: httpx.Client,
        batch: Sequence[dict[str, Any]],
        stop: threading.Event,
    ) -> None:
        ids = {str(event["id"]) for event in batch}
        while not stop.wait(PAUSE_SECONDS):
            try:
                answer = client.post(self._address, json={"events": batch})
            except httpx.TransportError:
                self.unanswered |= ids
                if self._number % 2:
                    return
                continue
            if answer.status_code == 200:
                assert answer.json() == {"accepted": len(batch), "rejected": []}
                self.acknowledged |= ids
                return

    def _batch(self) -> list[dict[str, Any]]:
        units = [f"{self._name}-{self._number}-{unit}" for unit in range(UNITS)]
        return [self._exposure(unit) for unit in units] + [
            _event(unit, "conversion", goalType="sales", conversionValue=20.0)
            for unit in units[:2]
        ]

    def _exposure(self, unit: str) -> dict[str, Any]:
        index = assign(self._test, unit)
        assert index is not None
        shown = {
            "name": "experiment_viewed",
            "experimentId": self._test.test_id,
            "variationId": self._test.variants[index].variant_id,
            "unitId": unit,
        }
        return _event(unit, "interaction", metadata=shown)


def _event(unit: str, event_type: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{event_type}-{unit}",
        "siteId": "shop",
        "eventType": event_type,
        "visitorId": unit,
        "timestamp": datetime.now(UTC).isoformat(),
        **more,
    }


@contextmanager
def sending(senders: Sequence[Sender]) -> Iterator[None]:
    """Send from all of them for as long as the block lasts."""
    stop = threading.Event()
    threads = [threading.Thread(target=each.send, args=(stop,)) for each in senders]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
