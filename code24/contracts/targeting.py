"""Whom a test asks, and who keeps what they were given."""

from typing import Annotated, Any, Literal

import msgspec

from code24.contracts.wire import Contract
from code24.targeting import strict, urls

Version = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
AttributeName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}\Z")]


class UrlPattern(Contract, frozen=True, kw_only=True):
    """Addresses that are asked, or are not.

    ``simple``: host, path and the named query parameters, ``*`` for anything.
    ``regex``: found in the address, or in what follows its host.
    """

    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    kind: Literal["simple", "regex"] = msgspec.field(default="simple", name="type")
    include: bool = True

    def __post_init__(self) -> None:
        """Reject what clients read differently, or not at all."""
        urls.check(self.kind, self.pattern)


class StickyBucketing(Contract, frozen=True, kw_only=True):
    """Visitors keep the variant they were given, as long as ``bucketVersion`` stays.

    Whoever was given one under a version below ``minBucketVersion`` takes part no more.
    """

    bucket_version: Version = 0
    min_bucket_version: Version = 0
    fallback_attribute: AttributeName | None = None
    """Names the visitor where there is no unit id yet, before a login say."""

    def __post_init__(self) -> None:
        """Reject versions that let nobody in."""
        if self.min_bucket_version > self.bucket_version:
            raise ValueError(
                f"minBucketVersion {self.min_bucket_version} must be at most "
                f"bucketVersion {self.bucket_version}"
            )


class Targeting(Contract, frozen=True, kw_only=True):
    """The visitors and the addresses that a test is about; others see the control."""

    condition: dict[str, Any] = msgspec.field(default_factory=dict)
    """On the visitor's attributes, in GrowthBook's language; all where empty."""
    url_patterns: Annotated[tuple[UrlPattern, ...], msgspec.Meta(max_length=50)] = ()
    """Included where one that includes matches (or none is), unless one excludes."""

    def __post_init__(self) -> None:
        """Reject a condition that clients would read differently."""
        strict.check(self.condition)
