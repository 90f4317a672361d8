"""The HTTP surface: the protocols that clients speak, and how the process is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.dispatcher import audience
from app.dispatcher.protocols import growthbook, ofrep
from app.dispatcher.store import Store
from code24.releases.reader import Reader
from code24.settings import Settings

LOG = logging.getLogger("code24.dispatcher")

POLL_SECONDS = 0.1
"""How long a new release, or the kill switch, waits at most to be noticed."""


def create_app(
    settings: Settings, is_stopping: Callable[[], bool] = lambda: False
) -> Starlette:
    """Return the dispatcher; it reads the release folder and nothing else.

    Once ``is_stopping`` says so, streams end, so that their clients go elsewhere.
    """
    store = Store(Reader(settings.releases, settings.keys / "verify.pub"))

    @asynccontextmanager
    async def following(_app: Starlette) -> AsyncIterator[None]:
        tasks = []
        for refresh in (store.refresh_switches, store.refresh_release):
            await asyncio.to_thread(refresh)
            tasks.append(asyncio.create_task(_follow(store, refresh, is_stopping)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["ETag", "x-sse-support"],
    )
    routes = [
        *growthbook.routes(),
        *ofrep.routes(),
        *audience.routes(),
        Route("/health", _health),
    ]
    app = Starlette(routes=routes, middleware=[cors], lifespan=following)
    app.state.store = store
    app.state.audiences = audience.Audiences(settings.releases, settings.keys)
    return app


async def _follow(
    store: Store, refresh: Callable[[], None], is_stopping: Callable[[], bool]
) -> None:
    while not store.changes.is_over:
        await asyncio.sleep(POLL_SECONDS)
        before = store.serving
        try:
            await asyncio.to_thread(refresh)
        except Exception as error:  # what is served must outlive any fault of ours
            LOG.exception("following the release folder failed")
            store.fail(f"{type(error).__name__}: {error}; restart the dispatcher")
        if store.serving is not before:
            store.changes.tell()
        if is_stopping():
            store.changes.end()


async def _health(request: Request) -> Response:
    store: Store = request.app.state.store
    audiences: audience.Audiences = request.app.state.audiences
    serving, reason = store.serving, _reason(store.reason, audiences.reason)
    return JSONResponse(
        {
            "status": "degraded" if reason else "ok",
            "degraded": reason is not None,
            "reason": reason,
            "releaseId": serving.release_id,
            "sites": len(serving.sites),
            "streams": store.changes.watchers,
            "switchSequence": serving.sequence,
        }
    )


def _reason(*reasons: str | None) -> str | None:
    return "; ".join(reason for reason in reasons if reason) or None
