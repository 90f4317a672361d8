"""Which named events of other tools are conversions, and what they are worth."""

from collections.abc import Mapping
from typing import Any

from code24.contracts.wire import GoalType
from code24.protocols.reading import first_text, number

GOAL_EVENTS: dict[str, GoalType] = {
    # Segment's e-commerce specification, version 2 and 1; Google Analytics' names.
    "order completed": "sales",
    "completed order": "sales",
    "purchase": "sales",
    "purchase completed": "sales",
    "order placed": "sales",
    "checkout completed": "sales",
    "payment succeeded": "sales",
    "subscription started": "sales",
    "subscription created": "sales",
    "in app purchase": "sales",
    # Segment's B2B SaaS specification, and what forms are usually called.
    "generate lead": "leads",
    "lead generated": "leads",
    "lead": "leads",
    "lead captured": "leads",
    "lead submitted": "leads",
    "form submitted": "leads",
    "contact form submitted": "leads",
    "contact": "leads",
    "demo requested": "leads",
    "quote requested": "leads",
    "signed up": "signups",
    "sign up": "signups",
    "signup": "signups",
    "user signed up": "signups",
    "account created": "signups",
    "registration completed": "signups",
    "complete registration": "signups",
    "trial started": "signups",
    "booking completed": "bookings",
    "booking confirmed": "bookings",
    "appointment booked": "bookings",
    "appointment scheduled": "bookings",
    "reservation completed": "bookings",
    "schedule": "bookings",
}
"""Names in lower case, words apart (``sign_up`` and ``SignUp`` are ``sign up``).

A refund is no conversion and lowers none: it stays a named interaction.
"""
VALUES = ("revenue", "total", "value")
"""Where such an event says its value; Segment's revenue is without shipping and tax."""


def goal_of(name: str) -> GoalType | None:
    """Return the goal that an event of this name reaches; none of others."""
    return GOAL_EVENTS.get(_words(name))


def named_event(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an event's kind: a conversion, or an interaction.

    The value of a conversion is the first of ``VALUES`` that is a number.
    """
    goal = goal_of(name)
    if goal is None:
        return {"eventType": "interaction"}
    values = (number(properties.get(field)) for field in VALUES)
    return {
        "eventType": "conversion",
        "goalType": goal,
        "conversionValue": next((each for each in values if each is not None), None),
    }


def exposure(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of an exposure, whatever style its fields are named in.

    Camel case is GrowthBook's JavaScript client, snake case its Python client and
    Segment's A/B testing specification. A variation's key is the variant's id here;
    its index is used where there is no key.
    """
    variation = first_text(
        properties.get("variation_key"),
        properties.get("variationId"),
        properties.get("variation_id"),
    )
    return {
        "name": "experiment_viewed",
        "experimentId": first_text(
            properties.get("experimentId"), properties.get("experiment_id")
        ),
        "variationId": variation,
    }


def _words(name: str) -> str:
    spaced = name.replace("_", " ").replace("-", " ").replace("$", " ")
    return " ".join(_split_humps(spaced).lower().split())


def _split_humps(name: str) -> str:
    """Put a space before each capital that follows a small letter."""
    if name.islower() or name.isupper():
        return name
    humps = zip(f" {name}", name, strict=False)
    return "".join(
        f" {here}" if before.islower() and here.isupper() else here
        for before, here in humps
    )
