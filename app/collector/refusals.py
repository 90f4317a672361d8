"""Every answer that is not a success: its status, its words, when to come again."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from code24.contracts.wire import encode

QUEUE_RETRY_SECONDS = 1
"""The queue empties in milliseconds once the disk keeps up."""
DISK_RETRY_SECONDS = 30
"""Space comes back when raw files are compacted or somebody frees some."""


class RefusalError(Exception):
    """The whole request is refused; nothing of it was taken."""

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def unauthorized(message: str) -> RefusalError:
    """Return the refusal of a missing or unknown write key."""
    return RefusalError(401, message, {"WWW-Authenticate": 'Basic realm="write key"'})


def forbidden(message: str) -> RefusalError:
    """Return the refusal of a page that may not use the key."""
    return RefusalError(403, message)


def too_large(message: str) -> RefusalError:
    """Return the refusal of a body that is not read to its end."""
    return RefusalError(413, message, {"Connection": "close"})


def method_not_allowed(allowed: str) -> RefusalError:
    """Return the refusal of a method that the route does not know."""
    return RefusalError(405, "Method Not Allowed", {"Allow": allowed})


def too_slow(message: str) -> RefusalError:
    """Return the refusal of a body that was not waited for any longer."""
    return RefusalError(408, message, {"Connection": "close"})


def busy(message: str, seconds: int) -> RefusalError:
    """Return the refusal of a request that may succeed in some seconds."""
    return RefusalError(429, message, {"Retry-After": str(seconds)})


def limited(message: str, seconds: int) -> RefusalError:
    """Return the refusal of a site that has sent more than it may."""
    return busy(message, seconds)


def unavailable(message: str) -> RefusalError:
    """Return the refusal of a request because this process is not well."""
    return RefusalError(503, message, {"Retry-After": str(DISK_RETRY_SECONDS)})


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """Answer a refusal as ``{"error": …}``."""
    if not isinstance(error, RefusalError):
        raise error
    return _problem(error.status, error.message, error.headers)


async def answer_http_error(_request: Request, error: Exception) -> Response:
    """Answer an unknown path or a wrong method in the same form."""
    if not isinstance(error, HTTPException):
        raise error
    return _problem(error.status_code, error.detail, dict(error.headers or {}))


def _problem(status: int, message: str, headers: dict[str, str]) -> Response:
    return Response(
        encode({"error": message}), status, headers, media_type="application/json"
    )
