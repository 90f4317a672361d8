"""The HTTP surface: GrowthBook's features endpoint, and how the process is."""

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

from app.dispatcher.store import Store
from code24.releases.reader import Reader
from code24.settings import Settings

LOG = logging.getLogger("code24.dispatcher")

POLL_SECONDS = 0.1
"""How long a new release, or the kill switch, waits at most to be noticed."""


def create_app(settings: Settings) -> Starlette:
    """Return the dispatcher; it reads the release folder and nothing else."""
    store = Store(Reader(settings.releases, settings.keys / "verify.pub"))

    @asynccontextmanager
    async def following(_app: Starlette) -> AsyncIterator[None]:
        tasks = []
        for refresh in (store.refresh_switches, store.refresh_release):
            await asyncio.to_thread(refresh)
            tasks.append(asyncio.create_task(_follow(store, refresh)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["*"])
    routes = [
        Route("/api/features/{client_key}", _features),
        Route("/health", _health),
    ]
    app = Starlette(routes=routes, middleware=[cors], lifespan=following)
    app.state.store = store
    return app


async def _follow(store: Store, refresh: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await asyncio.to_thread(refresh)
        except Exception as error:  # what is served must outlive any fault of ours
            LOG.exception("following the release folder failed")
            store.fail(f"{type(error).__name__}: {error}; restart the dispatcher")


async def _features(request: Request) -> Response:
    store: Store = request.app.state.store
    client_key = request.path_params["client_key"]
    answer = store.serving.answers.get(client_key)
    if answer is None:
        return JSONResponse(
            {
                "status": 404,
                "error": f"client key {client_key[:64]!r} is unknown; see: "
                "code24 site list",
            },
            status_code=404,
        )
    headers = {"ETag": answer.etag, "Cache-Control": "no-cache"}
    if _is_known(request.headers.get("if-none-match", ""), answer.etag):
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def _is_known(given: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return not tags.isdisjoint({etag.removeprefix("W/"), "*"})


async def _health(request: Request) -> Response:
    store: Store = request.app.state.store
    serving, reason = store.serving, store.reason
    return JSONResponse(
        {
            "status": "degraded" if reason else "ok",
            "degraded": reason is not None,
            "reason": reason,
            "releaseId": serving.release_id,
            "sites": len(serving.answers),
            "switchSequence": serving.sequence,
        }
    )
