"""The full hierarchical model of past effects, sampled: the closed form's reference.

Tests, studies and benches alone use it; what decides never imports it, for its packages
take seconds to load and minutes to sample. Of each finished test the control and the
first variant enter, as a log ratio x with sampling variance s²:

    x ~ null N(0, s²) + (1 - null) Σ_k v_k N(shift τ_k, s² + τ_k²)

with τ_k = τ exp(tail z_k) and z_k, v_k the nodes and weights of Gauss and Hermite: the
scales of effects are log-normal, so ``tail`` is how heavy the tails are (0: normal).
log τ and logit null of a test are the sums of a common level and of offsets of its
vertical, goal and kind, each drawn from a normal law of learned width (partial
pooling). All effects are integrated out: with one latent effect a test, sampling fails
(r-hat 1.9).
"""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.polynomial.hermite_e import hermegauss

from code24.errors import Code24Error
from models.experiments.arms import Arms, Floats, Integers
from models.priors.learning import arms_of, usable
from models.priors.mixture import Prior

with warnings.catch_warnings():
    # Both warn of their own next versions.
    warnings.simplefilter("ignore")
    import arviz
    import nutpie
    import pymc as pm
    import pytensor.tensor as pt

Tensor = Any
"""PyTensor's; it carries no types."""
NODES, NODE_WEIGHTS = hermegauss(7)
SHARES: Floats = NODE_WEIGHTS / NODE_WEIGHTS.sum()
LEVELS = ("vertical", "goal_type", "test_type")
MOST_R_HAT = 1.01
LEAST_ESS = 400.0
"""Bulk and tail; below, or above the r-hat, the chains do not agree (Vehtari et al.
2021), and the fit is refused."""


THINNED = 10
"""Draws stand for one another so far apart that every tenth tells as much."""


class NotConvergedError(Code24Error):
    """The full model could not be fitted well enough to compare anything with it."""


class Data(NamedTuple):
    """Finished tests as log ratios."""

    x: Floats
    variance: Floats
    groups: tuple[Integers, ...]
    """Of each of the ``LEVELS`` the index of the test's value."""
    names: tuple[tuple[str, ...], ...]
    """Of each of the ``LEVELS`` its values, sorted."""


class Reference(NamedTuple):
    """What the full model says; arrays begin with the draws of the posterior."""

    data: Data
    tau: Floats
    """(draws, tests): the median scale of effects where the test belongs."""
    null: Floats
    """(draws, tests): the share of changes there that do nothing."""
    tail: Floats
    """(draws,)."""
    shift: Floats
    """(draws,): mean of the effects in units of their scale."""
    r_hat: float
    """The largest of any parameter."""
    ess: float
    """The smallest, bulk or tail, of any parameter."""

    def sd(self) -> Floats:
        """Return the sd of a test's effect before it has data, (draws, tests)."""
        first, second = (
            np.exp(power * self.tail[:, None] * NODES) @ SHARES for power in (1, 2)
        )
        alive = 1.0 - self.null
        mean = alive * self.shift[:, None] * self.tau * first[:, None]
        square = alive * (1 + np.square(self.shift))[:, None] * np.square(self.tau)
        spread: Floats = np.sqrt(square * second[:, None] - np.square(mean))
        return spread

    def effects(self) -> Floats:
        """Return the posterior mean of each test's effect, over every tenth draw."""
        kept = (self.tau, self.null, self.tail, self.shift)
        draws = zip(*(values[::THINNED] for values in kept), strict=True)
        mean: Floats = np.mean([_effect(self.data, *draw) for draw in draws], axis=0)
        return mean


def data_of(past: pl.DataFrame) -> Data:
    """Return the tests that may teach, of each its control and first variant.

    Columns of ``LEVELS`` that are absent count as one value for all.
    """
    rows = usable(past)
    key = ["site_id", "experiment_id"]
    pairs = rows.filter(pl.int_range(pl.len()).over(key) < 2)
    arms = arms_of(pairs)
    tests = pairs.unique(key, keep="first", maintain_order=True)
    coded = [_coded(tests, level) for level in LEVELS]
    return Data(
        *_ratios(arms),
        tuple(codes for codes, _ in coded),
        tuple(names for _, names in coded),
    )


def _ratios(arms: Arms) -> tuple[Floats, Floats]:
    variant = ~arms.is_control
    x = arms.log_rate - arms.of_control(arms.log_rate)
    variance = arms.variance + arms.of_control(arms.variance)
    return x[variant], variance[variant]


def _coded(tests: pl.DataFrame, level: str) -> tuple[Integers, tuple[str, ...]]:
    if level not in tests.columns:
        return np.zeros(tests.height, dtype=np.int64), ("",)
    values = tests[level].fill_null("").to_numpy().astype(str)
    names, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(names.tolist())


def fit_reference(
    data: Data, *, draws: int = 1_000, chains: int = 4, seed: int = 1
) -> Reference:
    """Sample the full model.

    Args:
        data: finished tests.
        draws: of each chain, after as many to tune it.
        chains: at least two, so that they can disagree.
        seed: where chance starts; equal seeds give equal draws.

    Raises:
        NotConvergedError: the chains do not agree, or have too few independent draws.
    """
    with warnings.catch_warnings():
        # That there is no BLAS: nothing here multiplies matrices.
        warnings.simplefilter("ignore")
        trace = nutpie.sample(
            nutpie.compile_pymc_model(_model(data)),
            draws=draws,
            tune=draws,
            chains=chains,
            cores=min(chains, 2),
            seed=seed,
            target_accept=0.95,
            progress_bar=False,
        )
        return _gated(data, trace)


def _model(data: Data) -> pm.Model:
    with pm.Model() as model:
        log_tau = pm.Normal("level_tau", np.log(0.03), 1.0)
        logit_null = pm.Normal("level_null", 0.4, 1.0)
        for level, codes, names in zip(LEVELS, data.groups, data.names, strict=True):
            if len(names) > 1:
                log_tau = log_tau + _offset(f"{level}_tau", len(names))[codes]
                logit_null = logit_null + _offset(f"{level}_null", len(names))[codes]
        tail = pm.HalfNormal("tail", 0.7)
        shift = pm.Normal("shift", 0.0, 0.3)
        ones = np.ones(len(data.x))
        tau = pm.Deterministic("tau", pt.exp(log_tau) * ones)
        null = pm.Deterministic("null", pm.math.sigmoid(logit_null) * ones)
        pm.Potential("seen", _log_likelihood(data, tau, null, tail, shift).sum())
    return model


def _offset(name: str, number: int) -> Tensor:
    """Return offsets of a level's values, drawn to nought (non-centred)."""
    width = pm.HalfNormal(f"{name}_width", 0.5)
    return width * pm.Normal(f"{name}_offset", 0.0, 1.0, shape=number)


def _log_likelihood(
    data: Data,
    tau: Tensor,
    null: Tensor,
    tail: Tensor,
    shift: Tensor,
) -> Tensor:
    scale = tau[:, None] * pt.exp(tail * NODES)
    total = data.variance[:, None] + scale**2
    off = data.x[:, None] - shift * scale
    alive = np.log(SHARES) - 0.5 * (pt.log(total) + off**2 / total)
    dead = -0.5 * (np.log(data.variance) + data.x**2 / data.variance)
    of_alive = pm.math.logsumexp(alive, axis=1)
    of_all = pm.math.stack([pt.log(null) + dead, pt.log1p(-null) + of_alive])
    return pm.math.logsumexp(of_all, axis=0)


def _gated(data: Data, trace: Any) -> Reference:
    posterior = trace.posterior
    names = [str(n) for n in posterior.data_vars if str(n) not in ("tau", "null")]
    sampled = [name for name in names if not name.endswith("__")]
    told = arviz.summary(trace, var_names=sampled, kind="diagnostics", round_to="none")
    r_hat = float(told["r_hat"].max())
    ess = float(told[["ess_bulk", "ess_tail"]].min().min())
    if not (r_hat < MOST_R_HAT and ess > LEAST_ESS):
        raise NotConvergedError(
            f"the full model has not converged: r-hat {r_hat:.3f} (below "
            f"{MOST_R_HAT}), effective draws {ess:.0f} (above {LEAST_ESS:.0f}); "
            "sample more draws"
        )
    tau, null, tail, shift = (
        posterior[name].to_numpy().reshape(-1, *posterior[name].shape[2:])
        for name in ("tau", "null", "tail", "shift")
    )
    return Reference(data, tau, null, tail, shift, r_hat, ess)


def closed_effects(data: Data, priors: Sequence[Prior]) -> Floats:
    """Return the posterior mean of each test's effect under a prior of its own."""
    return np.array(
        [_closed(*each) for each in zip(data.x, data.variance, priors, strict=True)]
    )


def distance(found: Reference, priors: Sequence[Prior]) -> Floats:
    """Return how far each prior's sd lies from the full model's, in its sds.

    Args:
        found: the full model, fitted to the tests.
        priors: the closed form's prior of each test.
    """
    sd, closed = found.sd(), np.array([prior.sd for prior in priors])
    away: Floats = (closed - sd.mean(axis=0)) / sd.std(axis=0)
    return away


def _closed(x: float, variance: float, prior: Prior) -> float:
    scales = np.array(prior.scales)
    total, mean = variance + np.square(scales), prior.shift * scales
    density = np.exp(-0.5 * np.square(x - mean) / total) / np.sqrt(total)
    share = density * prior.weights
    shrink = np.square(scales) / total
    return float(share @ (shrink * x + (1.0 - shrink) * mean) / share.sum())


def _effect(data: Data, tau: Floats, null: Floats, tail: float, shift: float) -> Floats:
    """Return the posterior mean of each test's effect under one draw."""
    scale = tau[:, None] * np.exp(tail * NODES)
    total = data.variance[:, None] + np.square(scale)
    off = data.x[:, None] - shift * scale
    alive = SHARES * np.exp(-0.5 * np.square(off) / total) / np.sqrt(total)
    alive *= 1.0 - null[:, None]
    dead = null * np.exp(-0.5 * np.square(data.x) / data.variance)
    dead /= np.sqrt(data.variance)
    shrink = np.square(scale) / total
    center = shrink * data.x[:, None] + (1.0 - shrink) * shift * scale
    mean: Floats = (alive * center).sum(axis=1) / (alive.sum(axis=1) + dead)
    return mean
