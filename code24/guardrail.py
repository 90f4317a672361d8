"""Whether a variant has surely lost conversions, looked at as often as one likes."""

import math

ALPHA = 0.01
"""How often a variant that lost nothing is ever taken for one that did, in each test
and for the whole of its life. Range 0.001 to 0.1; lower waits for more units."""
TIGHT_AT = 2_000
"""Units of both arms together at which the bound is tightest."""
LEAST_UNITS = 100
LEAST_CONVERSIONS = 10
"""Of the control; with fewer the normal approximation does not hold."""
_RHO_SQUARED = (
    2 * math.log(1 / ALPHA) + math.log(2 * math.log(1 / ALPHA) + 1)
) / TIGHT_AT


def least_drop(
    control: tuple[int, int],
    variant: tuple[int, int],
    tolerated: float,
    alpha: float = ALPHA,
) -> float:
    """Return the least by which the variant falls short, for sure, of what is allowed.

    That is the lower end of a one-sided asymptotic confidence sequence (Waudby-Smith,
    Arbour, Sinha, Kennedy, Ramdas: "Time-uniform central limit theory", 2021, eq. 6)
    of ``(1 - tolerated) · control's rate - variant's rate``. It holds at all times at
    once, so looking at each conversion raises no more false alarms than looking once.
    Above 0 the variant is below the allowed rate. Over a sliding window old units
    leave, and the bound holds only of each window by itself.

    Args:
        control: Units and converted units of the control.
        variant: The same of the variant.
        tolerated: The share of the control's rate that may be lost, 0 to 1.
        alpha: How often a variant that lost no more is ever taken for one that did;
            of several variants each gets its part.

    Returns:
        Rates' difference; -1 where there is too little to say.
    """
    (units, reached), (others, others_reached) = control, variant
    if min(units, others) < LEAST_UNITS or reached < LEAST_CONVERSIONS:
        return -1.0
    allowed = 1 - tolerated
    shortfall = allowed * reached / units - others_reached / others
    variance = allowed**2 * _variance(units, reached) / units
    variance += _variance(others, others_reached) / others
    return shortfall - math.sqrt(variance) * _width(units + others, alpha)


def _variance(units: int, reached: int) -> float:
    """Return a rate's variance; never 0, as one of no conversions would have it."""
    rate = min((reached + 1) / (units + 2), 1.0)
    return rate * (1 - rate)


def _width(count: int, alpha: float) -> float:
    """Return how many standard errors of the mean the bound is away from it."""
    grown = count * _RHO_SQUARED + 1
    bound = math.log(1 + math.sqrt(grown) / (2 * alpha))
    return math.sqrt(2 * grown / (count * _RHO_SQUARED) * bound)
