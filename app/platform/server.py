"""The control API over HTTP."""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.platform.openapi import document
from app.platform.operations import OPERATIONS
from app.platform.operations.health import Health
from app.platform.operations.operation import Call, Operation, Problem
from app.platform.operator_token import ensure_token
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.releases import ReleaseError, ensure_keys
from code24.settings import HOST, Settings
from code24.state import (
    InvalidError,
    NotKnownError,
    StateError,
    UnavailableError,
    open_state,
)

MAX_BODY_BYTES = 64 * 1024
"""No request of this API is longer than a few hundred bytes."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (InvalidError, 400),
    (NotKnownError, 404),
    (UnavailableError, 503),
    (StateError, 409),
    (ReleaseError, 503),
)
"""What each refusal is over HTTP; the first that fits."""
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """Return the application; it makes the operator's token where there is none.

    Raises:
        TokenError: the token cannot be made or trusted.
        StateError: the shared state cannot be opened.
        ReleaseError: the signing keys cannot be made or trusted.
    """
    token = ensure_token(settings.keys)
    ensure_keys(settings.keys)
    open_state(settings.database_url).close()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with open_state(settings.database_url) as state:
            app.state.shared, app.state.settings = state, settings
            yield

    described = encode(document())
    routes = [
        Route(operation.path, _endpoint(operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    return Starlette(
        routes=[*routes, Route("/openapi.json", lambda _: _json(200, described))],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
            Middleware(OperatorOnly, token=token),
        ],
        exception_handlers={
            Code24Error: _refuse,
            msgspec.ValidationError: _refuse_input,
            msgspec.DecodeError: _refuse_input,
            HTTPException: _refuse_request,
        },
        lifespan=lifespan,
    )


class OperatorOnly:
    """Lets nothing that could change anything pass without the operator's token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        problem = Problem(error="send the token of keys/operator.token as Bearer")
        refusal = _json(401, encode(problem), {"WWW-Authenticate": "Bearer"})
        await refusal(scope, receive, send)


def _endpoint(operation: Operation) -> Endpoint:
    async def answer(request: Request) -> Response:
        call = Call(
            state=request.app.state.shared,
            settings=request.app.state.settings,
            path=request.path_params,
            query=request.query_params,
            body=await _body(request),
        )
        return _json(200, encode(await run_in_threadpool(operation.run, call)))

    return answer


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is over {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _refuse(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        logging.getLogger(__name__).error("%s: %s", request.url.path, error)
    if request.url.path == "/health":
        health = Health(status="degraded", degraded=True, reason=str(error))
        return _json(status, encode(health))
    return _json(status, encode(Problem(error=str(error))))


async def _refuse_input(_: Request, error: Exception) -> Response:
    return _json(400, encode(Problem(error=str(error))))


async def _refuse_request(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _json(error.status_code, encode(Problem(error=error.detail)))


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(body, status, kept, media_type="application/json")
