"""``python -m app.platform``: serve until SIGTERM or Ctrl-C."""

import signal
import sys
from types import FrameType

import uvicorn

from app.platform.server import create_app
from code24.errors import Code24Error
from code24.settings import HOST, load

GRACE_SECONDS = 5
"""How long requests in flight may take once the process is told to stop."""


def main() -> int:
    """Serve, and return 0 after a stop that was asked for."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = load()
        uvicorn.run(
            create_app(settings),
            host=HOST,
            port=settings.ports.platform,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    except Code24Error as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process once uvicorn, which passes the signal on, has finished."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
