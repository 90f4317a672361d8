"""The collector with nothing behind it: the peer of its durable throughput."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.collector.clients import Clients
from app.collector.collector import MAX_WAITING_BYTES, Collector
from app.collector.committer import Committer
from app.collector.directory import SiteDirectory
from app.collector.server import build_app
from code24.cookieless import CookielessIds
from code24.intake import Encoded, IntakeLog
from code24.personal import Pseudonyms
from code24.settings import HOST, Settings, load
from code24.state import open_state


class Discarding(Committer):
    """Acknowledges at once and keeps nothing."""

    async def commit(self, encoded: Encoded) -> None:
        """Forget what was encoded; the work before it was done all the same."""


@contextmanager
def _opened(settings: Settings) -> Iterator[Collector]:
    with (
        open_state(settings.database_url) as state,
        IntakeLog.open(settings.log, "live") as log,
    ):
        committer = Discarding(log, MAX_WAITING_BYTES)
        try:
            clients = Clients(CookielessIds(settings.salts))
            sites = SiteDirectory(state)
            pseudonyms = Pseudonyms(settings.keys)
            yield Collector(settings.log, 0, log, committer, sites, clients, pseudonyms)
        finally:
            committer.close()


def main() -> None:
    """Serve on the collector's port until SIGTERM."""
    settings = load()
    uvicorn.run(
        build_app(lambda: _opened(settings)),
        host=HOST,
        port=settings.ports.collector,
        log_level="error",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
