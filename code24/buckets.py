"""Sticky buckets: visitors keep the variant that they were given before.

GrowthBook's documents: for each attribute and value, ``<test>__<version>`` to the key
of a variant. Clients keep them (cookie, local storage, Redis); here they come in with
the request and go out with the answer, and nothing of them is stored.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from code24.contracts.experiment import Experiment
from code24.targeting.ecmascript import kind_of, text_of

UNIT_ATTRIBUTE = "id"
"""The attribute of the client that holds the unit id."""
BLOCKED: Final = -1
"""Given under a version that takes part no more."""


class Unit(msgspec.Struct, frozen=True):
    """What is hashed: an attribute's value."""

    attribute: str
    value: str


class Document(msgspec.Struct, frozen=True, rename="camel"):
    """What one value of one attribute was given; by ``<test>__<version>``."""

    attribute_name: str
    attribute_value: str
    assignments: dict[str, str] = {}


Documents = Mapping[str, Document]
"""By ``<attribute>||<value>``."""


def unit_id(value: Any) -> str:
    """Return what a client calls the unit, as text; empty where that names nobody."""
    return text_of(value) if value and kind_of(value) in {"string", "number"} else ""


def unit_of(
    test: Experiment, unit_id: str, attributes: Mapping[str, Any]
) -> Unit | None:
    """Return what is hashed: the unit id or, for a sticky test without one, another."""
    if unit_id:
        return Unit(UNIT_ATTRIBUTE, unit_id)
    return _fallback(test, attributes)


def kept(
    test: Experiment,
    unit_id: str,
    attributes: Mapping[str, Any],
    documents: Documents,
) -> int | None:
    """Return the variant's index kept from before; none, or ``BLOCKED``.

    What the unit id was given counts before what the fallback attribute was.
    """
    sticky = test.sticky_bucketing
    if sticky is None or not documents:
        return None
    given = _given(test, unit_id, attributes, documents)
    versions = range(sticky.min_bucket_version)
    if any(_key(test, version) in given for version in versions):
        return BLOCKED
    wanted = given.get(_key(test, sticky.bucket_version))
    ids = [variant.variant_id for variant in test.variants]
    return ids.index(wanted) if wanted in ids else None


def noted(
    documents: Documents, test: Experiment, unit: Unit, variant_id: str
) -> dict[str, Document]:
    """Return the documents with what the unit is now given."""
    sticky = test.sticky_bucketing
    if sticky is None:
        return dict(documents)
    name = _name(unit)
    before = documents.get(name)
    given = {} if before is None else before.assignments
    key = _key(test, sticky.bucket_version)
    after = Document(unit.attribute, unit.value, {**given, key: variant_id})
    return {**documents, name: after}


def _given(
    test: Experiment,
    unit_id: str,
    attributes: Mapping[str, Any],
    documents: Documents,
) -> dict[str, str]:
    own = Unit(UNIT_ATTRIBUTE, unit_id) if unit_id else None
    units = (_fallback(test, attributes), own)
    found = (documents.get(_name(unit)) for unit in units if unit is not None)
    return {
        key: variant
        for document in found
        if document is not None
        for key, variant in document.assignments.items()
    }


def _fallback(test: Experiment, attributes: Mapping[str, Any]) -> Unit | None:
    sticky = test.sticky_bucketing
    if sticky is None or sticky.fallback_attribute is None:
        return None
    value = unit_id(attributes.get(sticky.fallback_attribute))
    return Unit(sticky.fallback_attribute, value) if value else None


def _key(test: Experiment, version: int) -> str:
    return f"{test.test_id}__{version}"


def _name(unit: Unit) -> str:
    return f"{unit.attribute}||{unit.value}"
