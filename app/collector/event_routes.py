"""The routes that events come by, ahead of Starlette's.

Routing, error handling and CORS of a whole framework cost a single event more than
taking it does, so these routes do their own: one look-up, one answer.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.collector.metrics import RefusedRequests
from app.collector.protocols.protocol import Protocol
from app.collector.refusals import RefusalError, answered, method_not_allowed
from app.collector.taking import take_request

PASSED_ON = frozenset({"OPTIONS"})
"""Preflights: the application behind answers them for every route."""


class EventRoutes:
    """An ASGI application that takes events, and passes on all other requests."""

    def __init__(
        self, behind: ASGIApp, protocols: Iterable[Protocol], exposed: str
    ) -> None:
        """Stand before another application.

        Args:
            behind: Answers what is no event; it sets ``scope["app"]``'s state.
            protocols: What is spoken at which routes.
            exposed: The headers that a page's script may read of an answer.
        """
        self._behind = behind
        self._exposed = exposed
        self._protocols = {path: each for each in protocols for path in each.routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        protocol = None
        if scope["type"] == "http" and scope["method"] not in PASSED_ON:
            protocol = self._protocols.get(scope["path"])
        if protocol is None:
            await self._behind(scope, receive, send)
            return
        scope["app"] = self._behind
        request = Request(scope, receive, send)
        response = await _answered(protocol, request)
        self._allow_page(request, response.headers)
        await response(scope, receive, send)

    def _allow_page(self, request: Request, headers: MutableHeaders) -> None:
        """Let the page that asked read the answer, whichever it is."""
        origin = request.headers.get("origin")
        if origin is not None:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = self._exposed
            headers["Vary"] = "Origin"


async def _answered(protocol: Protocol, request: Request) -> Response:
    try:
        if request.method != "POST":
            raise method_not_allowed("POST")
        return await take_request(protocol, request)
    except RefusalError as error:
        refused: RefusedRequests = request.app.state.refused
        refused.add(protocol.name, error.reason, error.status)
        return answered(error)
