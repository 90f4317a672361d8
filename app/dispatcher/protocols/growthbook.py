"""GrowthBook's SDK endpoints: features, the stream of them, remote evaluation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.dispatcher import bodies, etags, visual
from app.dispatcher.evaluation import Outcome, Visitor, evaluate, evaluate_all
from app.dispatcher.payload import auto_experiments_of, value_of
from app.dispatcher.store import Site, Store
from code24 import buckets
from code24.assignment import Assignment, EvaluationContext
from code24.contracts.experiment import Experiment
from code24.contracts.wire import encode

HEARTBEAT_SECONDS = 15.0
"""How often an idle stream says that it lives: proxies end silent ones after 30 to 60
seconds. Range 5 to 25."""
MOST_STREAMS = 10_000
"""Streams at one time; each holds a socket and some 20 kB. A client that finds none
left asks again, as without a stream. Range 1 to 60,000."""
_GAP = b"\0"
"""Where place and unit go, in this order; no JSON holds it."""
STREAMS = {"x-sse-support": "enabled"}


class _Body(msgspec.Struct, rename="camel"):
    attributes: dict[str, Any] = {}
    forced_variations: dict[str, int] = {}
    forced_features: list[tuple[str, Any]] = []
    url: str = ""
    sticky_bucket_assignment_docs: dict[str, buckets.Document] = {}
    """What the visitor was given before; whoever sends it keeps what is answered."""


def routes() -> list[Route]:
    """Return the protocol's routes."""
    return [
        Route("/api/features/{client_key}", _features),
        Route("/api/eval/{client_key}", _evaluated, methods=["POST"]),
        Route("/sub/{client_key}", _stream),
    ]


async def _features(request: Request) -> Response:
    site = _site(request)
    if site is None:
        return _unknown(request)
    return etags.answer(request, site.answer.body, site.answer.etag, STREAMS)


async def _evaluated(request: Request) -> Response:
    site = _site(request)
    if site is None:
        return _unknown(request)
    try:
        body = await bodies.read(request, _Body)
    except bodies.BodyError as error:
        return _refusal(error.status, str(error))
    told = {"status": 200, **evaluated(site, body)}
    told |= {"savedGroups": {}, "dateUpdated": site.answer.built_at}
    headers = {"Cache-Control": "no-store"}
    return Response(encode(told), media_type="application/json", headers=headers)


def evaluated(site: Site, body: _Body) -> dict[str, Any]:
    """Return what one visitor is given, without the rules behind it.

    The sticky buckets are answered where the site has tests that keep them.
    """
    visitor = _visitor(site, body)
    outcomes = list(evaluate_all(site, visitor))
    forced = dict(body.forced_features)
    features = {
        outcome.flag: {"defaultValue": forced[outcome.flag]}
        if outcome.flag in forced
        else _feature(site, outcome)
        for outcome in outcomes
    }
    told = {"features": features, "experiments": list(_experiments(site, visitor))}
    if any(test.sticky_bucketing for test in site.shard.tests):
        told["stickyBucketAssignmentDocs"] = _kept(visitor, outcomes)
    return told


def _visitor(site: Site, body: _Body) -> Visitor:
    context = EvaluationContext(
        body.attributes,
        body.url,
        assignments=body.sticky_bucket_assignment_docs,
        groups=site.groups,
    )
    unit_id = buckets.unit_id(body.attributes.get(buckets.UNIT_ATTRIBUTE))
    return Visitor(unit_id, context, body.forced_variations)


def _experiments(site: Site, visitor: Visitor) -> Iterator[visual.Fields]:
    """Yield what a browser applies for the visitor; it asks about addresses itself."""
    context = replace(visitor.context, anywhere=True)
    for test in site.shard.tests:
        if site.is_off or test.test_id not in site.visual - site.tests_off:
            continue
        outcome = evaluate(site, test, replace(visitor, context=context))
        if outcome.reason in {"SPLIT", "TARGETING_MATCH", "STATIC"}:
            variant, is_counted = outcome.variant.variant_id, outcome.test is not None
            for one in auto_experiments_of(test, site.shard.holdout):
                yield visual.for_one(one, variant, is_counted=is_counted)


def _kept(visitor: Visitor, outcomes: list[Outcome]) -> dict[str, buckets.Document]:
    documents = dict(visitor.context.assignments)
    for outcome in outcomes:
        test, found = outcome.test, outcome.assignment
        if test is not None and found is not None:
            variant = outcome.variant.variant_id
            documents = buckets.noted(documents, test, found.unit, variant)
    return documents


def _feature(site: Site, outcome: Outcome) -> dict[str, Any] | msgspec.Raw:
    """Return what one feature is; of one who is counted all but the unit is kept.

    A visitor of a thousand tests has a thousand such features.
    """
    test, found = outcome.test, outcome.assignment
    if test is None or found is None:
        return {"defaultValue": outcome.value}
    key = (test.test_id, found.index, found.unit.attribute, found.is_sticky)
    if key not in site.told:
        site.told[key] = encode(_counted(outcome, test, found)).split(_GAP)
    head, middle, tail = site.told[key]
    unit, place = encode(found.unit.value), repr(found.place).encode()
    return msgspec.Raw(b"".join((head, place, middle, unit, tail)))


def _counted(outcome: Outcome, test: Experiment, found: Assignment) -> dict[str, Any]:
    """Return the feature of one who is counted, with gaps for place and unit."""
    track = {
        "experiment": _experiment(test, found),
        "result": _result(outcome, test, found),
    }
    return {
        "defaultValue": value_of(test.variants[0]),
        "rules": [{"force": outcome.value, "tracks": [track]}],
    }


def _experiment(test: Experiment, found: Assignment) -> dict[str, Any]:
    return {
        "key": test.test_id,
        "variations": [value_of(variant) for variant in test.variants],
        "hashAttribute": found.unit.attribute,
        "hashVersion": test.hash_version,
        "meta": [{"key": v.variant_id, "name": v.name} for v in test.variants],
    }


def _result(outcome: Outcome, test: Experiment, found: Assignment) -> dict[str, Any]:
    variant = test.variants[found.index]
    return {
        "featureId": outcome.flag,
        "key": variant.variant_id,
        "name": variant.name,
        "variationId": found.index,
        "value": value_of(variant),
        "inExperiment": True,
        "hashUsed": True,
        "hashAttribute": found.unit.attribute,
        "hashValue": msgspec.Raw(_GAP),
        "bucket": msgspec.Raw(_GAP),
        "stickyBucketUsed": found.is_sticky,
    }


async def _stream(request: Request) -> Response:
    if _site(request) is None:
        return _unknown(request)
    store: Store = request.app.state.store
    if store.changes.watchers >= MOST_STREAMS:
        return _refusal(503, "all streams are taken; ask /api/features instead")
    return StreamingResponse(
        _events(store, request.path_params["client_key"]),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(store: Store, client_key: str) -> AsyncIterator[bytes]:
    """Yield the site's features, and again whenever they have changed.

    It ends when the site is gone or the process stops; clients then come back.
    """
    sent = b""
    with store.changes.watching():
        while not store.changes.is_over:
            seen = store.changes.count
            site = store.serving.sites.get(client_key)
            if site is None:
                return
            if site.answer.body != sent:
                sent = site.answer.body
                yield b"event: features\ndata: " + sent + b"\n\n"
            try:
                await asyncio.wait_for(store.changes.after(seen), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": alive\n\n"


def _site(request: Request) -> Site | None:
    store: Store = request.app.state.store
    return store.serving.sites.get(request.path_params["client_key"])


def _unknown(request: Request) -> Response:
    key = request.path_params["client_key"][:64]
    return _refusal(404, f"client key {key!r} is unknown; see: code24 site list")


def _refusal(status: int, problem: str) -> Response:
    content = encode({"status": status, "error": problem})
    return Response(content, status, media_type="application/json")
