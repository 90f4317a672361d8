"""A call of Segment's or RudderStack's API as a native event.

The same for a call that a client sends now and for one in an export: ``messageId``
names both, so an import of what also came live adds nothing. Field names are those of
Segment's Spec (segment.com/docs/connections/spec), which RudderStack follows.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from code24.contracts.wire import GoalType

CallType = Literal["track", "page", "screen", "identify", "group", "alias"]

GOALS: Mapping[str, GoalType] = {
    "order completed": "sales",
    "checkout completed": "sales",
    "purchase": "sales",
    "subscription started": "sales",
    "lead generated": "leads",
    "generate lead": "leads",
    "lead submitted": "leads",
    "form submitted": "leads",
    "demo requested": "leads",
    "signed up": "signups",
    "sign up": "signups",
    "account created": "signups",
    "trial started": "signups",
    "booking completed": "bookings",
    "appointment booked": "bookings",
    "reservation completed": "bookings",
}
"""Track events of the Spec's vocabularies that reach a goal, in words of small letters.

``properties.goalType`` says it of any other event.
"""
VALUES = ("revenue", "total", "value")
"""Where a conversion's value stands, the first that is a number (E-Commerce Spec)."""
EXPOSURES = frozenset({"experiment viewed"})
"""A/B Testing Spec; GrowthBook's and others' examples track this name too."""
PERSONAL = frozenset(
    {"address", "birthday", "email", "phone", "username", "password"}
    | {"firstName", "lastName", "first_name", "last_name"}
)
"""Of properties and traits; they say who someone is and serve no analysis."""
PERSONAL_TRAITS = PERSONAL | {"name", "avatar", "description", "website"}
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
MAX_USER_AGENT = 512


def native_event(call: Mapping[str, Any], site_id: str) -> dict[str, Any]:
    """Return the fields of the native event that a call is.

    What the contract asks of each field is for the door to say.

    Args:
        call: One call, as in a batch or an export. ``sentAt`` and ``context`` of its
            batch stand in it where it has none of its own.
        site_id: The site of the write key, or of the import.

    Raises:
        ValueError: the type is none of the Spec's, or a field has no fitting form.
    """
    kind = _kind(call)
    properties = _object(call, "traits" if kind in _WITH_TRAITS else "properties")
    context = _object(call, "context")
    event: dict[str, Any] = {
        "id": _text(call, "messageId"),
        "siteId": site_id,
        "visitorId": _text(call, "anonymousId") or _text(call, "userId"),
        "timestamp": _first(call, "timestamp", "originalTimestamp", "receivedAt"),
        "sentAt": call.get("sentAt"),
        **_address(kind, properties, context),
        **_what_happened(kind, call, properties),
    }
    found = {**event["metadata"], **_surroundings(call, context)}
    event["metadata"] = {name: value for name, value in found.items() if value != ""}
    return _given(event)


_WITH_TRAITS = frozenset({"identify", "group"})


def _kind(call: Mapping[str, Any]) -> str:
    kind = call.get("type")
    if kind not in get_args(CallType):
        known = ", ".join(get_args(CallType))
        raise ValueError(f"type is {kind!r}, it must be one of {known}")
    return str(kind)


def _what_happened(
    kind: str, call: Mapping[str, Any], properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return event type, goal, value and the metadata of the event itself."""
    if kind in {"page", "screen"}:
        return {"eventType": "page_view", "metadata": _page(kind, call, properties)}
    if kind == "track":
        return _track(call, properties)
    traits = {n: v for n, v in properties.items() if n not in PERSONAL_TRAITS}
    own = {"groupId": call.get("groupId"), "previousId": call.get("previousId")}
    return {
        "eventType": "interaction",
        "metadata": _given({**traits, **own, "name": kind}),
    }


def _page(
    kind: str, call: Mapping[str, Any], properties: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {n: v for n, v in _kept(properties).items() if n not in {"url", "referrer"}}
    name = call.get("name") or kept.pop("name", None)
    kept.pop("name", None)
    own = {"title": kept.get("title") or name, "pageName": name}
    category = {"category": call.get("category") or kept.get("category")}
    screen = {"isScreen": True} if kind == "screen" else {}
    return _given({**kept, **own, **category, **screen})


def _track(call: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    name = _text(call, "event")
    if name is None:
        raise ValueError("event is missing: a track call names what happened")
    words = " ".join(name.replace("_", " ").split()).lower()
    kept = _kept(properties)
    if words in EXPOSURES:
        return {"eventType": "interaction", "metadata": _exposure(call, kept)}
    goal = properties.get("goalType") or GOALS.get(words)
    if goal is None:
        return {"eventType": "interaction", "metadata": {**kept, "name": name}}
    return {
        "eventType": "conversion",
        "goalType": goal,
        "conversionValue": _value(properties),
        "metadata": {**kept, "name": name},
    }


def _exposure(call: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Name the fields as ours; the Spec has them in two spellings."""
    return _given(
        {
            **kept,
            "name": "experiment_viewed",
            "experimentId": _text_of(_first(kept, "experimentId", "experiment_id")),
            "variationId": _text_of(_first(kept, "variationId", "variation_id")),
            "unitId": _text_of(kept.get("unitId"))
            or _text(call, "anonymousId")
            or _text(call, "userId"),
        }
    )


def _address(
    kind: str, properties: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """Return address and referrer; a page call's own properties say them first."""
    page = _object(context, "page")
    own = properties if kind in {"page", "screen"} else {}
    return {
        "url": own.get("url") or page.get("url") or None,
        "referrer": own.get("referrer") or page.get("referrer") or None,
    }


def _surroundings(
    call: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the context tells of browser and campaign, never the address."""
    found = {ours: _at(context, path) for ours, path in CONTEXT.items()}
    if isinstance(found["userAgent"], str):
        found["userAgent"] = found["userAgent"][:MAX_USER_AGENT]
    return _given({**found, "userId": _text(call, "userId")})


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


def _kept(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in properties.items() if n not in PERSONAL and v is not None}


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
