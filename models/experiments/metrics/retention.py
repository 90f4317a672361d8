"""Share of units that came back on a day: a conversion whose window begins later."""

from models.experiments.metrics.conversion import IS_COUNTED, estimate

__all__ = ["IS_COUNTED", "estimate"]
