"""``/code24.js``: the built browser script over HTTP, cached and compressed."""

import gzip
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BUILT = Path(__file__).parent / "dist" / "code24.js"
MAX_GZIPPED_BYTES = 8 * 1024
"""The budget; a test holds the build to it."""
CACHE_SECONDS = 3600
STALE_SECONDS = 24 * 3600
"""How much longer a browser may use its copy while it asks for a newer one."""
_HEADERS = {
    "Cache-Control": (
        f"public, max-age={CACHE_SECONDS}, stale-while-revalidate={STALE_SECONDS}"
    ),
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    # Pages of any origin load it, also with `crossorigin` or an integrity hash.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class _Built(NamedTuple):
    modified_ns: int
    plain: bytes
    gzipped: bytes
    etag: str


def script_route() -> Route:
    """Return the route that serves the built script."""
    return Route("/code24.js", TrackerScript().answer, methods=["GET"])


class TrackerScript:
    """The built script in memory (some 30 KB), read again when its file changes."""

    def __init__(self, path: Path = BUILT) -> None:
        self._path = path
        self._built: _Built | None = None

    async def answer(self, request: Request) -> Response:
        """Return the script, or 304 to a browser that has it.

        Raises:
            HTTPException: 503, there is no built script.
        """
        built = self._read()
        is_gzipped = "gzip" in request.headers.get("accept-encoding", "")
        headers = {**_HEADERS, "ETag": built.etag}
        if is_gzipped:
            headers["Content-Encoding"] = "gzip"
        if built.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(
            built.gzipped if is_gzipped else built.plain,
            headers=headers,
            media_type="text/javascript",
        )

    def _read(self) -> _Built:
        try:
            modified_ns = self._path.stat().st_mtime_ns
            if self._built is None or self._built.modified_ns != modified_ns:
                self._built = _pack(modified_ns, self._path.read_bytes())
        except OSError as error:
            raise HTTPException(
                503, f"the browser script is not built ({self._path}): run `make setup`"
            ) from error
        return self._built


def _pack(modified_ns: int, plain: bytes) -> _Built:
    # Weak: the plain and the compressed form share the tag.
    etag = f'W/"{sha256(plain).hexdigest()[:32]}"'
    return _Built(modified_ns, plain, gzip.compress(plain, mtime=0), etag)
