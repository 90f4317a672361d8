"""Answers with an entity tag: what a client has is not sent again (RFC 9110 13.1)."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response


def answer(
    request: Request, body: bytes, etag: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return this JSON, or 304 where the client has it; it asks each time."""
    told = {"ETag": etag, "Cache-Control": "no-cache", **(headers or {})}
    if _is_known(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=told)
    return Response(body, media_type="application/json", headers=told)


def _is_known(given: str, etag: str) -> bool:
    """Say whether ``If-None-Match`` names this tag, compared weakly."""
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return not tags.isdisjoint({etag.removeprefix("W/"), "*"})
