"""The collector over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.collector.collector import Collector, open_collector
from app.collector.envelope import (
    BadBodyError,
    Envelope,
    header_key,
    open_envelope,
    read_body,
)
from app.collector.refusals import (
    RefusalError,
    answer_http_error,
    answer_refusal,
    unauthorized,
    unavailable,
)
from code24.contracts.wire import encode
from code24.settings import Settings
from code24.state import StateError


def create_app(settings: Settings) -> Starlette:
    """Return an application that opens its log and state when it starts."""
    return build_app(lambda: open_collector(settings))


def build_app(opened: Callable[[], AbstractContextManager[Collector]]) -> Starlette:
    """Return an application over the collector that ``opened`` gives at its start."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with opened() as collector:
            app.state.collector = collector
            following = asyncio.create_task(collector.sites.follow())
            yield
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    return Starlette(
        routes=[
            Route("/v1/events", _take_events, methods=["POST"]),
            Route("/health", _tell_health, methods=["GET"]),
        ],
        exception_handlers={
            RefusalError: answer_refusal,
            HTTPException: answer_http_error,
        },
        lifespan=lifespan,
    )


async def _take_events(request: Request) -> Response:
    collector: Collector = request.app.state.collector
    refusal = collector.refusal()
    if refusal is not None:
        raise refusal
    try:
        body = await read_body(request)
    except ClientDisconnect:
        raise RefusalError(400, "the body ended before its length") from None
    key = header_key(request)
    site_id = None if key is None else await _site_of(collector, key)
    envelope = await _opened(collector, body)
    if site_id is None:
        site_id = await _site_of(collector, envelope.write_key)
    user_agent = request.headers.get("user-agent")
    answer = await collector.take(envelope.events, site_id, user_agent)
    return _json(200, answer)


async def _opened(collector: Collector, body: bytes) -> Envelope:
    try:
        return open_envelope(body)
    except BadBodyError as error:
        await collector.bury(str(error), body)
        raise RefusalError(400, str(error)) from error


async def _site_of(collector: Collector, write_key: str | None) -> str:
    if write_key is None:
        raise unauthorized("no write key: send it as Basic user name or as writeKey")
    try:
        site_id = await collector.sites.find(write_key)
    except StateError as error:
        raise unavailable("the write key cannot be looked up now") from error
    if site_id is None:
        raise unauthorized("the write key is not known: code24 site list")
    return site_id


async def _tell_health(request: Request) -> Response:
    collector: Collector = request.app.state.collector
    refusal = collector.refusal()
    told = {
        "status": "ok" if refusal is None else "degraded",
        "reason": None if refusal is None else refusal.message,
        "sites": len(collector.sites.site_ids),
        "accepted": collector.counts.accepted,
        "rejected": collector.counts.rejected,
        "endOffset": collector.log.end,
        "waitingBytes": collector.committer.waiting_bytes,
        "freeBytes": collector.free_bytes,
    }
    return _json(200 if refusal is None else 503, told)


def _json(status: int, value: object) -> Response:
    return Response(encode(value), status, media_type="application/json")
