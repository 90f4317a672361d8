"""What the door adds to an event: device, browser, system, and whether a bot sent it.

Pure and remembered by user agent, so that only an agent never seen costs anything.
"""

from typing import Any, NamedTuple

from code24.contracts.event import Origin
from code24.enrichment.bots import bot_reason, declared_reason
from code24.enrichment.user_agents import describe
from code24.request_facts import MAX_USER_AGENT

__all__ = ["Enriched", "bot_reason", "enrich"]


class Enriched(NamedTuple):
    """An event's metadata with what was found out, and why a bot is suspected."""

    metadata: dict[str, Any]
    bot_reason: str | None


def enrich(
    metadata: dict[str, Any], origin: Origin, suspected: str | None = None
) -> Enriched:
    """Return the metadata with ``device``, ``browser`` and ``os`` where it lacks them.

    The user agent itself is kept of bots alone, so that an operator sees who came: of
    a person its parts serve, and the whole text helps to tell one person from others.

    Args:
        metadata: The event's; ``userAgent`` is its own, or else the request's.
        origin: How the event came; a live one may not bring a ``botReason``.
        suspected: What its referrer or address says, where nothing else does.
    """
    agent = _agent(metadata)
    reason = _given_reason(metadata, origin) or declared_reason(metadata)
    if agent is None:
        return Enriched(metadata, reason or suspected)
    reason = reason or bot_reason(agent) or suspected
    parts = describe(agent)._asdict().items()
    found = {name: value for name, value in parts if value is not None}
    if reason is not None:
        found |= {"device": "bot", "userAgent": agent}
    own = {name: value for name, value in metadata.items() if name != "userAgent"}
    return Enriched({**found, **own}, reason)


def _agent(metadata: dict[str, Any]) -> str | None:
    agent = metadata.get("userAgent")
    return agent[:MAX_USER_AGENT] if agent and isinstance(agent, str) else None


def _given_reason(metadata: dict[str, Any], origin: Origin) -> str | None:
    given = metadata.get("botReason")
    return given if origin != "live" and isinstance(given, str) and given else None
