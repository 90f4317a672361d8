"""The special functions that the models use, with types (SciPy has none)."""

from typing import Any

from numpy.typing import NDArray
from scipy import special

from models.experiments.arms import Floats


def normal_cdf(z: Floats) -> Floats:
    """Return the chance that a standard normal value lies below ``z``."""
    p: Floats = special.ndtr(z)
    return p


def log_normal_cdf(z: Floats) -> Floats:
    """Return the logarithm of ``normal_cdf``, exact far into the lower tail."""
    log_p: Floats = special.log_ndtr(z)
    return log_p


def normal_quantile(p: float) -> float:
    """Return the value below which a standard normal one lies with chance ``p``."""
    return float(special.ndtri(p))


def chi_square_tail(statistic: Floats, freedom: NDArray[Any]) -> Floats:
    """Return the chance of a chi-square value of at least ``statistic``."""
    p: Floats = special.chdtrc(freedom.astype(float), statistic)
    return p


def log_gamma(x: Floats) -> Floats:
    """Return the logarithm of the gamma function."""
    value: Floats = special.gammaln(x)
    return value


def binomial_tail(successes: NDArray[Any], trials: NDArray[Any], p: float) -> Floats:
    """Return the chance of at most that many successes in that many trials."""
    tail: Floats = special.bdtr(successes.astype(float), trials, p)
    return tail
