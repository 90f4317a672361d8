"""The erased: whose earlier events are not to come back, known by hashes alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from code24.privacy.identity import mentions
from code24.privacy.subject import id_hash


@dataclass(frozen=True, slots=True)
class Erased:
    """Visitors and sites whose data was erased, each with the moment.

    What such a visitor does after that moment is kept as anybody's: a new visit is
    not what was asked to be forgotten.
    """

    salt: str = ""
    visitors: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    """By site, then by the hash of an id."""
    sites: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was ever erased."""
        return not self.visitors and not self.sites

    def covers(
        self, site_id: str, persons: Collection[str], happened_at: datetime
    ) -> bool:
        """Tell whether what happened then is of somebody erased since."""
        erased_at = self.sites.get(site_id)
        if erased_at is not None and happened_at <= erased_at:
            return True
        visitors = self.visitors.get(site_id)
        if not visitors:
            return False
        moments = (visitors.get(id_hash(self.salt, site_id, one)) for one in persons)
        return any(at is not None and happened_at <= at for at in moments)

    def mentioned(self, text: str, site_id: str | None = None) -> bool:
        """Tell whether a text names an erased visitor, of one site or of any."""
        wanted = self.visitors if site_id is None else {site_id}
        among = {one: self.visitors[one] for one in wanted if one in self.visitors}
        if not among:
            return False
        found = mentions(text)
        return any(
            id_hash(self.salt, site, one) in hashes
            for site, hashes in among.items()
            for one in found
        )


NOBODY = Erased()
