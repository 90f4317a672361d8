"""OpenFeature's remote evaluation protocol, OFREP 0.3.0, one flag and all of them.

https://github.com/open-feature/protocol: the client key is the bearer token or the
``X-API-Key``; a flag is a test, and ``targetingKey`` the unit.
"""

from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.dispatcher import bodies, etags
from app.dispatcher.evaluation import Outcome, Visitor, evaluate, evaluate_all
from app.dispatcher.store import Site, Store
from code24.assignment import EvaluationContext
from code24.buckets import UNIT_ATTRIBUTE
from code24.contracts.wire import encode

LONGEST_KEY = 512
"""Characters of a targeting key; a unit id at the collector may have no more."""


class _Body(msgspec.Struct):
    context: dict[str, Any] = {}


class _Refused(Exception):  # noqa: N818 - an answer, no fault
    def __init__(self, status: int, code: str, details: str) -> None:
        super().__init__(details)
        self.status, self.code, self.details = status, code, details


def routes() -> list[Route]:
    """Return the protocol's routes."""
    one = "/ofrep/v1/evaluate/flags/{key}"
    return [
        Route(one, _one, methods=["POST"]),
        Route("/ofrep/v1/evaluate/flags", _all, methods=["POST"]),
    ]


async def _one(request: Request) -> Response:
    key = request.path_params["key"]
    try:
        site, visitor = await _asked(request)
        outcome = _of(site, key, visitor)
    except _Refused as refused:
        return _refusal(refused, key=key)
    return _json(_flag(outcome))


async def _all(request: Request) -> Response:
    try:
        site, visitor = await _asked(request)
    except _Refused as refused:
        return _refusal(refused)
    body = encode({"flags": [_flag(found) for found in evaluate_all(site, visitor)]})
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    return etags.answer(request, body, etag)


async def _asked(request: Request) -> tuple[Site, Visitor]:
    """Return the site whose key came, and the visitor in question.

    The context is what conditions ask about; its ``url`` the page's address.
    """
    site = _site(request)
    try:
        body = await bodies.read(request, _Body)
    except bodies.BodyError as error:
        raise _Refused(error.status, "PARSE_ERROR", str(error)) from None
    unit_id = body.context.get("targetingKey")
    if not isinstance(unit_id, str) or not unit_id:
        raise _Refused(400, "TARGETING_KEY_MISSING", "context.targetingKey: no text")
    if len(unit_id) > LONGEST_KEY:
        told = f"context.targetingKey: more than {LONGEST_KEY} characters"
        raise _Refused(400, "INVALID_CONTEXT", told)
    url = body.context.get("url")
    attributes = {UNIT_ATTRIBUTE: unit_id, **body.context}
    context = EvaluationContext(
        attributes, url if isinstance(url, str) else "", groups=site.groups
    )
    return site, Visitor(unit_id, context)


def _site(request: Request) -> Site:
    store: Store = request.app.state.store
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    site = store.serving.sites.get(bearer or request.headers.get("x-api-key", ""))
    if site is None:
        told = "no client key is known by this bearer token or X-API-Key"
        raise _Refused(401, "GENERAL", f"{told}; see: code24 site list")
    return site


def _of(site: Site, key: str, visitor: Visitor) -> Outcome:
    tests = () if site.is_off else site.shard.tests
    test = next((test for test in tests if test.test_id == key), None)
    if test is None:
        raise _Refused(404, "FLAG_NOT_FOUND", f"no test {key[:64]!r} is released")
    return evaluate(site, test, visitor)


def _flag(outcome: Outcome) -> dict[str, Any]:
    counted = outcome.test.test_id if outcome.test else None
    metadata = {"testId": counted} if counted else {}
    return {
        "key": outcome.flag,
        "value": outcome.value,
        "variant": outcome.variant.variant_id,
        "reason": outcome.reason,
        "metadata": metadata,
    }


def _refusal(refused: _Refused, **more: str) -> Response:
    told = {**more, "errorCode": refused.code, "errorDetails": refused.details}
    return _json(told, refused.status)


def _json(content: object, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")
