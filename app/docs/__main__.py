"""Starts the documentation server: ``python -m app.docs``."""

import sys

import uvicorn

from app.docs.site import create
from code24.errors import Code24Error
from code24.settings import HOST, load


def main() -> int:
    """Serve until told to stop; return the exit status."""
    try:
        settings = load()
    except Code24Error as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    uvicorn.run(
        create(settings.docs),
        host=HOST,
        port=settings.ports.docs,
        log_level="warning",
        access_log=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
