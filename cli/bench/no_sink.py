"""The collector with nothing behind it: the peer of its durable throughput."""

from collections.abc import Sequence

import uvicorn

from app.collector.collector import open_collector
from app.collector.committer import Committer
from app.collector.connections import GuardedHttp
from app.collector.opening import Opening
from app.collector.server import build_app
from code24.contracts.event import LogRecord
from code24.intake import Encoded
from code24.settings import HOST, Settings, load


class Discarding(Committer):
    """Acknowledges at once and keeps nothing."""

    async def commit(self, encoded: Encoded, admitted: Sequence[LogRecord]) -> None:
        """Forget what was encoded; the work before it was done all the same."""


def _opened(settings: Settings) -> Opening:
    return Opening(
        lambda: open_collector(settings, committer=Discarding), settings.home
    )


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
