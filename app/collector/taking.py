"""The way of one request: key, body, site, events, answer; one for all protocols."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.collector.clients import BROWSER
from app.collector.collector import Collector
from app.collector.envelope import header_key, read_body
from app.collector.protocols.protocol import (
    Arrival,
    BadBodyError,
    BadItemError,
    Context,
    Envelope,
    Key,
    Protocol,
)
from app.collector.refusals import (
    RefusalError,
    forbidden,
    limited,
    too_large,
    unauthorized,
    unavailable,
)
from code24.contracts.event import MAX_BATCH_EVENTS, DeadLetter
from code24.contracts.site import Site
from code24.contracts.wire import encode
from code24.cookieless import SaltError
from code24.intake import dead_letter
from code24.protocols.mending import mended_json
from code24.request_facts import RequestFacts
from code24.state import StateError

BYTES_PER_EVENT = 4 * 1024
"""Larger events count as several towards a site's limit."""


async def take_request(protocol: Protocol, request: Request) -> Response:
    """Take one request in a protocol, and answer when all of it is durable.

    Raises:
        RefusalError: nothing of it was acknowledged.
    """
    collector: Collector = request.app.state.opening.required()
    refusal = collector.refusal()
    if refusal is not None:
        raise refusal
    site = await _named_by_header(collector, request)
    envelope, size = await _opened(protocol, collector, request)
    if site is None:
        site = await _site_of(collector, envelope.key)
        if site is None and protocol.unknown_site is not None:
            refused = request.app.state.refused
            refused.add(protocol.name, "unknown_key", 202)
            return protocol.unknown_site()
        site = _known(site, envelope.key)
        _check_origin(site, request)
    _charge(collector, site, max(len(envelope.items), size // BYTES_PER_EVENT))
    facts = _facts(protocol, collector, request, site)
    events = _events(protocol, collector, request, envelope, site)
    answer = await collector.take(events, site.site_id, facts, request.scope["path"])
    return protocol.answer(answer)


async def _named_by_header(collector: Collector, request: Request) -> Site | None:
    """Return the site of the header's key; what it may not do, it may not send."""
    given = header_key(request)
    if given is None:
        return None
    key = Key("write_key", given)
    site = _known(await _site_of(collector, key), key)
    _check_origin(site, request)
    _charge(collector, site, 0)
    return site


async def _opened(
    protocol: Protocol, collector: Collector, request: Request
) -> tuple[Envelope, int]:
    """Return the body taken apart, and its size in bytes, inflated."""
    path, body = request.scope["path"], b""
    try:
        body = await read_body(request)
        envelope = _open(protocol, Arrival(path, request.query_params, body))
    except BadBodyError as error:
        await collector.bury(str(error), body, path)
        reason = str(error).partition(":")[0]
        raise RefusalError(400, reason, str(error)) from error
    if len(envelope.items) > MAX_BATCH_EVENTS:
        raise too_large(
            "too_many",
            f"{len(envelope.items)} events in one request, "
            f"{MAX_BATCH_EVENTS} are allowed",
        )
    return envelope, len(body)


def _open(protocol: Protocol, arrival: Arrival) -> Envelope:
    """Take the body apart; what is nearly JSON is mended, so that no batch is lost.

    Raises:
        BadBodyError: it holds no events.
    """
    try:
        return protocol.open(arrival)
    except BadBodyError:
        mended = mended_json(arrival.body)
        if mended is None or mended == arrival.body:
            raise
        return protocol.open(arrival._replace(body=mended))


async def _site_of(collector: Collector, key: Key | None) -> Site | None:
    if key is None:
        return None
    try:
        return await collector.sites.find(key)
    except StateError as error:
        raise unavailable("state", "the write key cannot be looked up now") from error


def _known(site: Site | None, key: Key | None) -> Site:
    if site is not None:
        return site
    if key is None:
        raise unauthorized(
            "no_key", "no write key: send it as Basic user name or as writeKey"
        )
    raise unauthorized("unknown_key", "the write key is not known: code24 site list")


def _check_origin(site: Site, request: Request) -> None:
    """Refuse pages of other sites; who sends no Origin is no page."""
    origin = request.headers.get("origin")
    if origin is None or not site.origins or origin in site.origins:
        return
    raise forbidden(
        f"origin {origin[:200]!r} is not one of site {site.site_id!r}: "
        f"code24 site set {site.site_id} --origin"
    )


def _charge(collector: Collector, site: Site, events: int) -> None:
    seconds = collector.limits.charge(site.site_id, site.events_per_second, events)
    if seconds:
        raise limited(
            f"site {site.site_id!r} sends more than {site.events_per_second} events "
            "a second",
            seconds,
        )


def _facts(
    protocol: Protocol, collector: Collector, request: Request, site: Site
) -> RequestFacts:
    try:
        facts = collector.clients.facts(request, site.site_id, datetime.now(UTC))
    except SaltError as error:
        raise unavailable("salt", str(error)) from error
    is_browser = (facts.user_agent or "").startswith(BROWSER)
    if protocol.is_sent_for_visitors and not is_browser:
        return replace(facts, user_agent=None, visitor_id=None, address=None)
    return facts


def _events(
    protocol: Protocol,
    collector: Collector,
    request: Request,
    envelope: Envelope,
    site: Site,
) -> list[bytes | DeadLetter]:
    context = Context(
        site_id=site.site_id,
        path=request.scope["path"],
        received_at=datetime.now(UTC),
        pseudonym=partial(collector.pseudonyms.of, site.site_id),
    )
    return [_event(protocol, item, context) for item in envelope.items]


def _event(protocol: Protocol, item: Any, context: Context) -> bytes | DeadLetter:
    """Return the item as a native event, or as the letter that says why it is none."""
    try:
        event = protocol.event(item, context)
        return event if isinstance(event, bytes) else encode(event)
    except BadItemError as error:
        return _letter(str(error), error.kept, context)
    except (RecursionError, ValueError, OverflowError) as error:
        reason = f"invalid: the event cannot be mapped: {type(error).__name__}"
        return _letter(reason, b"", context)


def _letter(reason: str, body: bytes, context: Context) -> DeadLetter:
    return dead_letter(
        reason,
        body,
        origin="live",
        received_at=context.received_at,
        source=context.path,
        site_id=context.site_id,
        is_unmapped=True,
    )
