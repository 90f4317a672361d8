"""How long events are kept: until their site's days have passed since they happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

FOREVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Retention:
    """When an event is kept no longer; whole UTC days, so that a day goes as one."""

    now: datetime
    days: int
    """Of sites without a time of their own; 0 keeps their events."""
    own_days: Mapping[str, int] = field(default_factory=dict)
    """Of sites with a time of their own."""

    @property
    def cutoff(self) -> datetime:
        """Return the moment before which events of most sites go."""
        return self._before(self.days)

    def cutoffs(self) -> dict[str, datetime]:
        """Return the moments of the sites that have a time of their own."""
        return {site: self._before(days) for site, days in self.own_days.items()}

    @property
    def is_limited(self) -> bool:
        """Tell whether any event ever goes."""
        return bool(self.days or self.own_days)

    def is_over(self, site_id: str | None, happened_at: datetime) -> bool:
        """Tell whether an event of then is kept no longer; of an unknown site, too."""
        return happened_at < self.cutoffs().get(site_id or "", self.cutoff)

    def _before(self, days: int) -> datetime:
        if not days:
            return FOREVER
        day = self.now.astimezone(UTC).date() - timedelta(days=days)
        return datetime.combine(day, time(), UTC)
