"""Every answer that is not a success: its status, its words, when to come again."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from code24.contracts.wire import encode

QUEUE_RETRY_SECONDS = 1
"""The queue empties in milliseconds once the disk keeps up."""
DISK_RETRY_SECONDS = 30
"""Space comes back when raw files are compacted or somebody frees some."""


NO_PROTOCOL = "none"
"""Of a request at a route where none is spoken."""
HTTP_REASONS = {404: "route", 405: "method"}


class RefusalError(Exception):
    """The whole request is refused; nothing of it was taken."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        """One of a few words, by which refusals are counted."""
        self.message = message
        self.headers = headers or {}


def unauthorized(reason: str, message: str) -> RefusalError:
    """Return the refusal of a missing or unknown write key."""
    headers = {"WWW-Authenticate": 'Basic realm="write key"'}
    return RefusalError(401, reason, message, headers)


def forbidden(message: str) -> RefusalError:
    """Return the refusal of a page that may not use the key."""
    return RefusalError(403, "origin", message)


def too_large(reason: str, message: str) -> RefusalError:
    """Return the refusal of a body that is not read to its end."""
    return RefusalError(413, reason, message, {"Connection": "close"})


def method_not_allowed(allowed: str) -> RefusalError:
    """Return the refusal of a method that the route does not know."""
    return RefusalError(405, "method", "Method Not Allowed", {"Allow": allowed})


def too_slow(message: str) -> RefusalError:
    """Return the refusal of a body that was not waited for any longer."""
    return RefusalError(408, "too_slow", message, {"Connection": "close"})


def disk_full(message: str) -> RefusalError:
    """Return the refusal of a request for which there is no room on the disk."""
    return _busy("disk_full", message, DISK_RETRY_SECONDS)


def queue_full(message: str) -> RefusalError:
    """Return the refusal of a request while too much waits to be written."""
    return _busy("queue_full", message, QUEUE_RETRY_SECONDS)


def limited(message: str, seconds: int) -> RefusalError:
    """Return the refusal of a site that has sent more than it may."""
    return _busy("rate_limit", message, seconds)


def unavailable(reason: str, message: str) -> RefusalError:
    """Return the refusal of a request because this process is not well."""
    headers = {"Retry-After": str(DISK_RETRY_SECONDS)}
    return RefusalError(503, reason, message, headers)


def _busy(reason: str, message: str, seconds: int) -> RefusalError:
    return RefusalError(429, reason, message, {"Retry-After": str(seconds)})


def answered(error: RefusalError) -> Response:
    """Return a refusal as ``{"error": …}``."""
    return _problem(error.status, error.message, error.headers)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer an unknown path or a wrong method in the same form."""
    if not isinstance(error, HTTPException):
        raise error
    reason = HTTP_REASONS.get(error.status_code, "other")
    request.app.state.refused.add(NO_PROTOCOL, reason, error.status_code)
    return _problem(error.status_code, error.detail, dict(error.headers or {}))


def _problem(status: int, message: str, headers: dict[str, str]) -> Response:
    return Response(
        encode({"error": message}), status, headers, media_type="application/json"
    )
