"""The live counters equal the warehouse over the same records, killed and all.

The real collector is sent events of every kind by several clients at once, with
duplicates, robots, refused events and wrong clocks among them; it is killed under load
and started again, and what was not acknowledged is sent again. In the end its counters
are compared, number by number, with ``marts.mart_counter_reference``, which the real
dbt builds of what the real drain took out of the same log.
"""

import random
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl

from app.collector.live.checkpoint import Checkpoint
from app.collector.live.counters import Key
from app.collector.live.state import LiveState
from code24.contracts.site import Site
from code24.settings import HOST, Settings
from orchestration.defs.raw.drain import drain
from tests.app.collector.serving import event, new_site, process
from tests.dbt_project.warehouse import Warehouse

Row = tuple[str, str, str, str, str, str]
UNITS = 60
CLIENTS = 3


class Client:
    """Sends batches one after another, each again until it is acknowledged."""

    def __init__(self, settings: Settings, site: Site, seed: int) -> None:
        self._address = f"http://{HOST}:{settings.ports.collector}/v1/events"
        self._auth = (site.write_key, "")
        self._batches = batches(site.site_id, seed)
        self._unanswered: list[dict[str, Any]] | None = None
        self.acknowledged: set[str] = set()
        self.changed = threading.Event()

    def send_until_gone(self) -> None:
        """Send until the server is gone."""
        with httpx.Client(auth=self._auth, timeout=30) as client:
            while self._send(client):
                self.changed.set()

    def _send(self, client: httpx.Client) -> bool:
        batch = self._unanswered or next(self._batches)
        self._unanswered = batch
        try:
            answer = client.post(self._address, json={"events": batch})
        except httpx.TransportError:
            return False
        assert answer.status_code == 200, answer.text
        refused = {each["index"] for each in answer.json()["rejected"]}
        self.acknowledged |= {
            one["id"] for index, one in enumerate(batch) if index not in refused
        }
        self._unanswered = None
        return True


def batches(site_id: str, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield batches without end; about one event in eight is a copy of another."""
    chance = random.Random(seed)  # noqa: S311 - events, not secrets
    sent: list[dict[str, Any]] = []
    number = 0
    while True:
        batch = []
        for _ in range(10):
            if sent and chance.random() < 0.12:
                batch.append(chance.choice(sent[-200:]))
                continue
            number += 1
            batch.append(made(chance, site_id, f"{seed}-{number}"))
        sent.extend(batch)
        yield batch


def made(chance: random.Random, site_id: str, event_id: str) -> dict[str, Any]:
    """Return an event of some kind, at a time of its own, by a clock of its own."""
    unit = f"u{chance.randrange(UNITS)}"
    at = datetime.now(UTC) - timedelta(seconds=chance.choice([0, 0, 1, 5, 60]))
    skew = timedelta(seconds=chance.choice([0, 0, 0, -7200, 300]))
    fields: dict[str, Any] = {
        "id": event_id,
        "siteId": site_id,
        "visitorId": f"visitor-{unit}",
        "timestamp": (at + skew).isoformat(),
        "sentAt": (datetime.now(UTC) + skew).isoformat(),
        **chance.choice(KINDS)(chance, unit),
    }
    if chance.random() < 0.1:
        fields["metadata"] = {**fields["metadata"], "userAgent": "Googlebot/2.1"}
    if chance.random() < 0.03:
        fields["timestamp"] = "2001-01-01T00:00:00Z"
        del fields["sentAt"]
    return event(**fields)


def _viewed(chance: random.Random, unit: str) -> dict[str, Any]:
    metadata = {
        "name": "experiment_viewed",
        "experimentId": chance.choice(["hero", "price"]),
        "variationId": chance.choice(["a", "b"]),
        "unitId": unit,
    }
    return {"eventType": "interaction", "metadata": metadata}


def _sold(chance: random.Random, unit: str) -> dict[str, Any]:
    return {
        "eventType": "conversion",
        "goalType": chance.choice(["sales", "leads"]),
        "conversionValue": chance.choice([None, 19.99, 0.005, -3.5, 0]),
        "metadata": {"unitId": unit},
    }


def _measured(chance: random.Random, unit: str) -> dict[str, Any]:
    metadata = {
        "name": "web_vital",
        "lcp": chance.choice([900, 4000, 5000.5, "700", "slow"]),
        "cls": chance.choice([0.01, 0.25, None]),
        "unitId": unit,
    }
    return {"eventType": "interaction", "metadata": metadata}


def _named(chance: random.Random, unit: str) -> dict[str, Any]:
    name = chance.choice(["error", "scroll", "engagement"])
    metadata = {"name": name, "unitId": unit}
    return {"eventType": "interaction", "metadata": metadata}


def _seen(chance: random.Random, unit: str) -> dict[str, Any]:
    metadata = {"unitId": unit, "depth": chance.random()}
    return {"eventType": "page_view", "metadata": metadata}


KINDS = (_viewed, _sold, _sold, _measured, _named, _seen)


def test_counters_equal_the_warehouse_after_kills_under_load(
    settings: Settings,
) -> None:
    sites = [new_site(settings, "shop"), new_site(settings, "blog")]
    clients = [Client(settings, sites[n % 2], seed=n) for n in range(CLIENTS)]
    for round_ in range(4):
        number = signal.SIGKILL if round_ < 3 else signal.SIGTERM
        send_and_stop(settings, clients, number, acknowledged=250 * (round_ + 1))

    drain(settings.log, settings.raw)
    raw = pl.read_parquet(settings.raw / "events" / "*" / "live-*.parquet")
    ids = raw["event_id"].to_list()
    assert len(ids) == len(set(ids))
    for client in clients:
        assert client.acknowledged <= set(ids)

    live, offset = counted(settings)
    assert offset == raw["log_offset"].max() + 1  # type: ignore[operator]
    assert live == reference(settings, min(row[1] for row in live))
    measures = {row[5] for row in live}
    assert measures >= {"page_views", "errors", "exposures", "units", "lcp_poor"}
    assert any(row[5] == "value_cents" and row[2] for row in live)


def send_and_stop(
    settings: Settings, clients: list[Client], number: int, acknowledged: int
) -> None:
    """Run the collector until each client has so many events acknowledged."""
    with process(settings) as collector:
        threads = [threading.Thread(target=each.send_until_gone) for each in clients]
        for thread in threads:
            thread.start()
        for client in clients:
            while len(client.acknowledged) < acknowledged:
                assert client.changed.wait(60)
                client.changed.clear()
        collector.send_signal(number)
        collector.wait(30)
        for thread in threads:
            thread.join()


def counted(settings: Settings) -> tuple[dict[Row, int], int]:
    """Return what the stopped collector had counted, and up to which record."""
    state = LiveState("live")
    checkpoint = Checkpoint(settings.live / "counters.db", "live")
    assert checkpoint.load(state)
    checkpoint.close()
    numbers = state.counters.numbers()
    return {_row(minute, key): n for minute, key, n in numbers}, state.offset


def _row(minute: int, key: Key) -> Row:
    at = datetime.fromtimestamp(60 * minute, UTC)
    site_id, *others = key
    return (site_id, f"{at:%Y-%m-%d %H:%M}", *others)  # type: ignore[return-value]


def reference(settings: Settings, first_minute: str) -> dict[Row, int]:
    """Return what the warehouse counts from a minute on."""
    warehouse = Warehouse(settings.home)
    warehouse.snapshot()
    warehouse.dbt("run", "--select", "+mart_counter_reference")
    warehouse.dbt("test", "--select", "mart_counter_reference")
    rows = warehouse.query(
        "select site_id, strftime(minute_at, '%Y-%m-%d %H:%M'), experiment_id, "
        "variant_id, goal_type, measure, amount from marts.mart_counter_reference"
    )
    return {row[:6]: row[6] for row in rows if row[1] >= first_minute}
