"""The collector over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.collector.event_routes import EventRoutes
from app.collector.metrics import CONTENT_TYPE, RefusedRequests, render
from app.collector.opening import Opening
from app.collector.protocols import PROTOCOLS, plausible
from app.collector.protocols.protocol import json_answer
from app.collector.refusals import answer_http_error
from app.tracker.script import script_route

EXPOSED = ("Retry-After", plausible.DROPPED)
CORS = Middleware(
    CORSMiddleware,
    allow_origin_regex=".*",
    allow_methods=["GET", "POST"],
    allow_headers=["*"],
    allow_credentials=True,
    expose_headers=EXPOSED,
    max_age=86_400,
)
"""Any page may ask; which origins a site's key is good for is checked with the key.

A preflight brings no key. Each answer names the asking origin and allows credentials,
as a beacon always asks with them; no cookie is ever set or read.
"""


def build_app(opened: Callable[[], AbstractContextManager[Opening]]) -> EventRoutes:
    """Return an application over the collector that ``opened`` gives at its start."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with opened() as opening:
            app.state.opening = opening
            app.state.refused = RefusedRequests()
            following = asyncio.create_task(_follow(opening))
            yield
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    others = Starlette(
        routes=[
            Route("/health", _tell_health, methods=["GET"]),
            Route("/metrics", _tell_metrics, methods=["GET"]),
            script_route(),
        ],
        exception_handlers={HTTPException: answer_http_error},
        middleware=[CORS],
        lifespan=lifespan,
    )
    return EventRoutes(others, PROTOCOLS, ", ".join(EXPOSED))


async def _follow(opening: Opening) -> None:
    """Keep up what the collector knows, once it is open, until cancelled."""
    collector = await opening.until_open()
    await asyncio.gather(collector.sites.follow(), collector.clients.follow())


async def _tell_health(request: Request) -> Response:
    opening: Opening = request.app.state.opening
    if opening.collector is None:
        return json_answer(503, {"status": "degraded", "reason": opening.reason})
    collector = opening.collector
    refusal = collector.refusal()
    lag = await asyncio.to_thread(collector.lag)
    told = {
        "status": "ok" if refusal is None else "degraded",
        "reason": None if refusal is None else refusal.message,
        "sites": len(collector.sites.site_ids),
        "accepted": collector.counts.accepted,
        "rejected": collector.counts.rejected,
        "duplicates": collector.commits.duplicates,
        "bots": collector.counts.bots,
        "endOffset": collector.log.end,
        "countedOffset": collector.live.state.offset,
        "counting": collector.live.trouble or "ok",
        "lagRecords": lag.records,
        "lagSeconds": round(lag.seconds, 1),
        "waitingBytes": collector.committer.waiting_bytes,
        "freeBytes": collector.free_bytes,
    }
    return json_answer(200 if refusal is None else 503, told)


async def _tell_metrics(request: Request) -> Response:
    state = request.app.state
    told = await asyncio.to_thread(render, state.opening.collector, state.refused)
    return Response(told, media_type=CONTENT_TYPE)
