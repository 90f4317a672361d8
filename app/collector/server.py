"""The collector over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
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
from code24.cookieless import SaltError
from code24.request_facts import RequestFacts
from code24.settings import Settings
from code24.state import StateError

CORS = Middleware(
    CORSMiddleware,
    allow_origin_regex=".*",
    allow_methods=["GET", "POST"],
    allow_headers=["*"],
    allow_credentials=True,
    expose_headers=["Retry-After"],
    max_age=86_400,
)
"""Any page may ask; which origins a site's key is good for is checked with the key.

A preflight brings no key. Each answer names the asking origin and allows credentials,
as a beacon always asks with them; no cookie is ever set or read.
"""


def create_app(settings: Settings) -> Starlette:
    """Return an application that opens its log and state when it starts."""
    return build_app(lambda: open_collector(settings))


def build_app(opened: Callable[[], AbstractContextManager[Collector]]) -> Starlette:
    """Return an application over the collector that ``opened`` gives at its start."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with opened() as collector:
            app.state.collector = collector
            following = asyncio.gather(
                collector.sites.follow(), collector.clients.follow()
            )
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
        middleware=[CORS],
        lifespan=lifespan,
    )


async def _take_events(request: Request) -> Response:
    collector: Collector = request.app.state.collector
    refusal = collector.refusal()
    if refusal is not None:
        raise refusal
    key = header_key(request)
    site_id = None if key is None else await _site_of(collector, key)
    envelope = await _opened(collector, request)
    if site_id is None:
        site_id = await _site_of(collector, envelope.write_key)
    facts = _facts(collector, request, site_id)
    answer = await collector.take(envelope.events, site_id, facts)
    return _json(200, answer)


def _facts(collector: Collector, request: Request, site_id: str) -> RequestFacts:
    try:
        return collector.clients.facts(request, site_id, datetime.now(UTC))
    except SaltError as error:
        raise unavailable(str(error)) from error


async def _opened(collector: Collector, request: Request) -> Envelope:
    body = b""
    try:
        body = await read_body(request)
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
