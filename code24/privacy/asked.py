"""The ids under which the stores may have a person whom an operator names.

A business knows its customers by an account, an e-mail address or a telephone number;
the doors and importers have replaced these (``code24.personal``). Only this home's key
tells what by, so it is computed of what the operator types.
"""

from collections.abc import Iterator
from pathlib import Path

from code24.personal import group_pseudonym, kept_pseudonyms, one_spelling
from code24.privacy.identity import DISTINCTIVE


def ids_of(person: str, site_id: str, keys: Path) -> frozenset[str]:
    """Return the id as given, in its other spelling, and what stands in for it.

    Raises:
        PseudonymError: the key of pseudonyms cannot be read.
    """
    return frozenset({person, one_spelling(person), *_replaced(person, site_id, keys)})


def _replaced(person: str, site_id: str, keys: Path) -> Iterator[str]:
    pseudonyms = kept_pseudonyms(keys)
    if pseudonyms is None:
        return

    def pseudonym(text: str) -> str:
        return pseudonyms.of(site_id, text)

    yield pseudonym(person)
    # Companies have numbers too: a short one may be another's than this person's.
    if len(person) >= DISTINCTIVE:
        yield group_pseudonym(person, pseudonym)
