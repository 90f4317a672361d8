"""Mean number per unit: a mean like that of a value."""

from models.experiments.metrics.value import IS_COUNTED, estimate

__all__ = ["IS_COUNTED", "estimate"]
