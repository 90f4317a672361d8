"""A call of Segment's or RudderStack's API as a native event.

The same for a call that a client sends now and for one in an export: ``messageId``
names both, so an import of what also came live adds nothing. Field names are those of
Segment's Spec (segment.com/docs/connections/spec), which RudderStack follows.

Ids that say who somebody is are replaced by keyed hashes, other personal data is
dropped (``code24.personal``).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args

from code24.contracts.wire import digest, encode
from code24.personal import (
    group_pseudonym,
    holds_email,
    kept_traits,
    unit_of,
    without_personal,
)
from code24.protocols.goal_events import exposure, goal_of
from code24.protocols.reading import MAX_ID, MAX_URL, kept_properties, moment
from code24.request_facts import MAX_USER_AGENT

Pseudonym = Callable[[str], str]
"""Returns what stands in for an id at the event's site: ``Pseudonyms.of``."""

CallType = Literal["track", "page", "screen", "identify", "group", "alias"]

VALUES = ("revenue", "total", "value")
"""Where a conversion's value stands, the first that is a number (E-Commerce Spec)."""
EXPOSURES = frozenset({"experiment viewed"})
"""A/B Testing Spec; GrowthBook's and others' examples track this name too."""
CONTEXT: Mapping[str, tuple[str, ...]] = {
    "title": ("page", "title"),
    "userAgent": ("userAgent",),
    "language": ("locale",),
    "timezone": ("timezone",),
    "screenWidth": ("screen", "width"),
    "screenHeight": ("screen", "height"),
    "appId": ("app", "name"),
    "country": ("location", "country"),
    "marketingCampaign": ("campaign", "name"),
    "marketingSource": ("campaign", "source"),
    "marketingMedium": ("campaign", "medium"),
    "marketingTerm": ("campaign", "term"),
    "marketingContent": ("campaign", "content"),
    "library": ("library", "name"),
}
"""Our metadata, and where in the context it stands; ``ip`` is left out."""


def native_event(
    call: Mapping[str, Any], site_id: str, pseudonym: Pseudonym
) -> dict[str, Any]:
    """Return the fields of the native event that a call is.

    What the contract asks of each field is for the door to say.

    Args:
        call: One call, as in a batch or an export. ``sentAt`` and ``context`` of its
            batch stand in it where it has none of its own.
        site_id: The site of the write key, or of the import.
        pseudonym: Stands in for ids that say who somebody is.

    Raises:
        ValueError: the type is none of the Spec's, or a field has no fitting form.
    """
    kind = _kind(call)
    properties = _object(call, "traits" if kind in _WITH_TRAITS else "properties")
    context = _object(call, "context")
    event: dict[str, Any] = {
        "id": _id(call),
        "siteId": site_id,
        "visitorId": _visitor(call, pseudonym),
        "sessionId": _text(context, "sessionId"),
        "timestamp": moment(
            _first(call, "timestamp", "originalTimestamp", "receivedAt")
        ),
        "sentAt": moment(call.get("sentAt")),
        **_address(kind, properties, context),
        **_what_happened(kind, call, properties, pseudonym),
    }
    found = {**event["metadata"], **_surroundings(call, context, pseudonym)}
    event["metadata"] = {name: value for name, value in found.items() if value != ""}
    return _given(event)


def refused_call(call: Any, pseudonym: Pseudonym) -> bytes:
    """Return what may be kept of a call that is no native event, as JSON."""
    if not isinstance(call, Mapping):
        return encode(without_personal(call))
    kept = {name: value for name, value in call.items() if name != "traits"}
    for name in ("userId", "anonymousId", "groupId", "previousId"):
        person = _text(call, name)
        kept[name] = None if person is None else unit_of(person, pseudonym)
    return encode(_given(without_personal(kept)))


def _id(call: Mapping[str, Any]) -> str | None:
    """Return the call's id; clients may make it as long as they like."""
    found = _text(call, "messageId")
    return found if found is None or len(found) <= MAX_ID else digest(found)


def _visitor(call: Mapping[str, Any], pseudonym: Pseudonym) -> str | None:
    """Return who did it: the anonymous id, or else the user's."""
    person = _text(call, "anonymousId") or _text(call, "userId")
    return None if person is None else unit_of(person, pseudonym)


def _hashed(call: Mapping[str, Any], name: str, pseudonym: Pseudonym) -> dict[str, str]:
    found = _text(call, name)
    return {} if found is None else {f"{name}Hash": pseudonym(found)}


_WITH_TRAITS = frozenset({"identify", "group"})


def _kind(call: Mapping[str, Any]) -> str:
    kind = call.get("type")
    if kind not in get_args(CallType):
        known = ", ".join(get_args(CallType))
        raise ValueError(f"type is {kind!r}, it must be one of {known}")
    return str(kind)


def _what_happened(
    kind: str,
    call: Mapping[str, Any],
    properties: Mapping[str, Any],
    pseudonym: Pseudonym,
) -> dict[str, Any]:
    """Return event type, goal, value and the metadata of the event itself."""
    if kind in {"page", "screen"}:
        return {"eventType": "page_view", "metadata": _page(kind, call, properties)}
    if kind == "track":
        return _track(call, properties, pseudonym)
    own = {
        **_hashed(call, "groupId", partial(group_pseudonym, pseudonym=pseudonym)),
        **_hashed(call, "previousId", pseudonym),
        "previousId": _anonymous(call, "previousId"),
    }
    return {
        "eventType": "interaction",
        "metadata": _given({**kept_traits(properties), **own, "name": kind}),
    }


def _anonymous(call: Mapping[str, Any], name: str) -> str | None:
    """Return an id that may be an anonymous one, as the visitor's events have it."""
    found = _text(call, name)
    return None if found is None or holds_email(found) else found


def _page(
    kind: str, call: Mapping[str, Any], properties: Mapping[str, Any]
) -> dict[str, Any]:
    kept = kept_properties(properties)
    kept = {n: v for n, v in kept.items() if n not in {"url", "referrer"}}
    name = call.get("name") or properties.get("name")
    own = {"title": kept.get("title") or name, "pageName": name}
    category = {"category": call.get("category") or kept.get("category")}
    screen = {"isScreen": True} if kind == "screen" else {}
    return _given({**kept, **own, **category, **screen})


def _track(
    call: Mapping[str, Any], properties: Mapping[str, Any], pseudonym: Pseudonym
) -> dict[str, Any]:
    name = _text(call, "event")
    if name is None:
        raise ValueError("event is missing: a track call names what happened")
    kept = kept_properties(properties)
    if name.lower().replace("_", " ") in EXPOSURES:
        seen = exposure(properties)
        unit = {"unitId": kept.get("unitId") or _visitor(call, pseudonym)}
        return {"eventType": "interaction", "metadata": _given({**seen, **unit})}
    goal = properties.get("goalType") or goal_of(name)
    if goal is None:
        return {"eventType": "interaction", "metadata": {**kept, "name": name}}
    return {
        "eventType": "conversion",
        "goalType": goal,
        "conversionValue": _value(properties),
        "metadata": {**kept, "name": name},
    }


def _address(
    kind: str, properties: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """Return address and referrer; a page call's own properties say them first."""
    page = _object(context, "page")
    own = properties if kind in {"page", "screen"} else {}
    return {
        "url": _cut(own.get("url") or page.get("url")),
        "referrer": _cut(own.get("referrer") or page.get("referrer")),
    }


def _cut(address: Any) -> Any:
    """Return an address no longer than the contract allows; none where it is empty."""
    return address[:MAX_URL] or None if isinstance(address, str) else address


def _surroundings(
    call: Mapping[str, Any], context: Mapping[str, Any], pseudonym: Pseudonym
) -> dict[str, Any]:
    """Return what the context tells of browser and campaign, never the address."""
    found = {ours: _at(context, path) for ours, path in CONTEXT.items()}
    if isinstance(found["userAgent"], str):
        found["userAgent"] = found["userAgent"][:MAX_USER_AGENT]
    return _given({**found, **_hashed(call, "userId", pseudonym)})


def _value(properties: Mapping[str, Any]) -> float | None:
    """Return the first of the values that is a number, or the text of one."""
    for name in VALUES:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and value.strip():
            return _number(name, value)
    return None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"properties.{name} is {text!r}, no number") from None


def _at(context: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = context
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        raise ValueError(f"{name} is {kind}, it must be an object")  # noqa: TRY004
    return found


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name)), None)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    return _text_of(fields.get(name))


def _text_of(value: Any) -> str | None:
    """Return an id as text: exports and careless clients send numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) or None


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
