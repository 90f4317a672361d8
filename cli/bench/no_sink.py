"""The collector with nothing behind it: the peer of its durable throughput."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from app.collector.collector import Collector, open_collector
from app.collector.committer import Committer
from app.collector.connections import GuardedHttp
from app.collector.server import build_app
from code24.contracts.event import LogRecord
from code24.intake import Encoded
from code24.settings import HOST, Settings, load


class Discarding(Committer):
    """Acknowledges at once and keeps nothing."""

    async def commit(self, encoded: Encoded, admitted: Sequence[LogRecord]) -> None:
        """Forget what was encoded; the work before it was done all the same."""


@contextmanager
def _opened(settings: Settings) -> Iterator[Collector]:
    with open_collector(settings, committer=Discarding) as collector:
        yield collector


def main() -> None:
    """Serve on the collector's port until SIGTERM."""
    settings = load()
    uvicorn.run(
        build_app(lambda: _opened(settings)),
        host=HOST,
        port=settings.ports.collector,
        http=GuardedHttp,
        log_level="error",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
