"""A named list that conditions refer to."""

from typing import Annotated

import msgspec

from code24.contracts.targeting import AttributeName
from code24.contracts.wire import Contract, Slug
from code24.personal import PERSONAL_NAMES

PERSONS = frozenset(
    {
        *("id", "userid", "visitorid", "unitid", "anonymousid", "customerid"),
        *("accountid", "sessionid", "clientid"),
    }
)
"""Attributes that name one person, in lower case without separators."""
MOST_VALUES = 10_000
"""Values of one group: each client of the site is sent them."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SavedGroup(Contract, frozen=True, kw_only=True):
    """Values of an attribute: countries, companies, plans; never persons.

    Releases are kept and sent to everyone, so nobody may be named in one.
    """

    group_id: Slug
    attribute: AttributeName
    values: Annotated[
        tuple[Text | int | float, ...], msgspec.Meta(max_length=MOST_VALUES)
    ]

    def __post_init__(self) -> None:
        """Reject a list of persons."""
        name = self.attribute.lower().replace("_", "").replace("-", "")
        if name in PERSONS or name in PERSONAL_NAMES:
            raise ValueError(
                f"group {self.group_id!r}: attribute {self.attribute!r} names persons, "
                "whom no release may hold; see the audience"
            )
