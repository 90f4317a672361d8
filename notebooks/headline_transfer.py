# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the words of earlier headlines tell about later ones
#
# A test begins with nothing known of its arms but what they are. Do earlier tests tell
# which headline is likely to win? We fit what words do (`models/priors/features.py`) to
# the real headline tests of one publisher (Upworthy Research Archive, Matias et al.
# 2021, CC BY 4.0) that *ended before* the scored ones began, shift each arm's prior by
# it, and ask impressions that no analysis has seen.
#
# Three analyses pick an arm: **flat** by the rate counted; **learned** by a prior whose
# spread was learned; **transfer** by the same prior, its means shifted by the words.
# Scored tests share no headline with those that taught.
#
# `.venv/bin/python notebooks/headline_transfer.py`; `CODE24_STUDY_REPEATS=20` is the
# full size.

# %%
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from models.priors.features import Copies, learn_features
from models.priors.history import screen
from models.priors.learning import learn

SAMPLE = Path("data/sample/upworthy/headline_tests.parquet")
BEGIN = datetime.fromisoformat("2014-02-01")
LEAST_IMPRESSIONS = 1_000
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
REPEATS = int(os.environ.get("CODE24_STUDY_REPEATS", "2"))
SEED = 20_261_124

pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_hide_column_data_types(True)
pl.Config.set_tbl_cols(-1)
pl.Config.set_tbl_width_chars(110)
pl.Config.set_float_precision(2)

# %% [markdown]
# ## Who teaches, who is scored
#
# Sound tests of two headlines and more; arms of one headline differ in the image, of
# which words tell nothing. Of the tests from February 2014 on with 1,000 impressions an
# arm the later half is scored; whatever ended before teaches.

# %%
end_of_week = pl.col("created_at").dt.truncate("1w") + pl.duration(days=7)
past = (
    pl.read_parquet(SAMPLE)
    .sort("created_at", "test_id", "variation")
    .select(
        pl.lit("upworthy").alias("site_id"),
        pl.col("test_id").alias("experiment_id"),
        pl.col("variation").cast(pl.Int64).alias("variation_index"),
        "headline",
        pl.col("impressions").cast(pl.Int64).alias("units"),
        pl.col("clicks").cast(pl.Int64).alias("conversions"),
        end_of_week.cast(pl.Datetime("us")).alias("ended_at"),
    )
)
used = screen(past).filter(pl.col("reason").is_null())
test = "experiment_id"
sound = past.join(used, on=test, how="semi")
words = sound.filter(pl.col("headline").n_unique().over(test) > 1)
large = words.filter(
    pl.col("ended_at") > BEGIN, pl.col("units").min().over(test) >= LEAST_IMPRESSIONS
)
middle = large.group_by(test).agg(pl.col("ended_at").first())["ended_at"].median()
later = large.filter(pl.col("ended_at") > middle)
before = later["ended_at"].min() - timedelta(days=7)
teachers = words.filter(pl.col("ended_at") <= before).sort(test, "variation_index")
is_known = pl.col("headline").is_in(teachers["headline"].unique().to_list())
scored = later.filter(~is_known.any().over(test)).sort(test, "variation_index")
assert teachers["ended_at"].max() <= before <= scored["ended_at"].min() - timedelta(days=7)
prior = learn(past, before=before)
assert prior.before == before
# Of one arm around its level: half the variance of a log ratio of two.
TAU = prior.sd * np.sqrt(0.5)
print(f"{teachers[test].n_unique():,} tests teach, {scored[test].n_unique():,} are scored")
print(f"learned: an arm deviates by {TAU:.3f} from its test's level")


# %%
def copies_of(table: pl.DataFrame) -> Copies:
    """Return the arms with their headlines."""
    index = table.select(pl.col(test).rle_id()).to_series().cast(pl.Int64).to_numpy()
    return Copies(
        index,
        table["headline"].to_list(),
        table["units"].to_numpy().astype(float),
        table["conversions"].to_numpy().astype(float),
    )


teaching, asked = copies_of(teachers), copies_of(scored)
features = learn_features(teaching, TAU)
shift = features.predict(asked)
TESTS = int(asked.test[-1]) + 1
print(f"ridge {features.strength:g}, slope {features.slope:.2f}, sd of shifts {shift.std():.3f}")

# A placebo: the same headlines, each test's dealt out at random among its arms.
rng = np.random.default_rng(SEED)
order = np.lexsort((rng.random(len(teaching.test)), teaching.test))
dealt = teaching._replace(text=[teaching.text[row] for row in order])
placebo = learn_features(dealt, TAU).predict(asked)

# %% [markdown]
# ## Picks, with little data
#
# Of each arm a share of the impressions is seen, the rest is held out. A Beta prior of
# the test's own overall rate m has κ = 1/(τ² m) pseudo-impressions, so that its log rate
# has sd τ; a shift multiplies m by exp(x·β).


# %%
def total(values: np.ndarray) -> np.ndarray:
    """Return the sum over a test's arms, for every arm."""
    return np.bincount(asked.test, values)[asked.test]


def picked(rate: np.ndarray) -> np.ndarray:
    """Return which arm each test's analysis picks; equal ones at random."""
    order = np.lexsort((rng.random(len(rate)), -rate, asked.test))
    return order[np.searchsorted(asked.test[order], np.arange(TESTS))]


def estimates(units: np.ndarray, clicks: np.ndarray) -> dict[str, np.ndarray]:
    """Return each analysis's rate of every arm."""
    level = np.maximum(total(clicks) + 0.5, 0.5) / (total(units) + 50)
    kappa = 1 / (TAU**2 * level)
    means = {
        "learned": level,
        "transfer": level * np.exp(shift),
        "placebo": level * np.exp(placebo),
    }
    flat = clicks / np.maximum(units, 1)
    shrunk = {n: (clicks + kappa * m) / (units + kappa) for n, m in means.items()}
    return {"flat": flat, **shrunk}


def lifts(share: float) -> dict[str, np.ndarray]:
    """Return the held-out lift of each analysis's pick over its test's mean arm."""
    units = np.round(asked.units * share).astype(np.int64)
    whole = asked.units.astype(np.int64)
    hits = asked.conversions.astype(np.int64)
    clicks = rng.hypergeometric(hits, whole - hits, units)
    held = (hits - clicks) / (whole - units)
    mean = total(held) / total(np.ones(len(held)))
    relative = held / np.maximum(mean, 1e-9) - 1
    found = estimates(units.astype(float), clicks.astype(float))
    return {name: relative[picked(rate)] for name, rate in found.items()}


def compared(share: float) -> dict[str, object]:
    """Return one line: lifts in percent, and z of the gains over flat, test by test."""
    runs = [lifts(share) for _ in range(REPEATS)]
    means = {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}
    lift = {name: 100 * values.mean() for name, values in means.items()}
    gain = {n: means[n] - means["flat"] for n in ("transfer", "placebo")}
    z = {f"z {n}": g.mean() / (g.std() / np.sqrt(TESTS)) for n, g in gain.items()}
    return {"seen": f"{share:.0%}", **lift, **z}


picks = pl.DataFrame([compared(share) for share in SHARES])
print("held-out lift of the picked arm over the mean arm, percent")
print(picks)

# %% [markdown]
# Words tell most where nothing else is known, and nothing more from a twentieth of the
# data on, though the spread that was learned is still there. A placebo must tell nothing.

# %%
transfer_z = dict(picks.select("seen", "z transfer").iter_rows())
assert transfer_z["0%"] > 2, transfer_z
assert picks["z placebo"].max() < 3, picks
print({seen: round(z, 1) for seen, z in transfer_z.items()})

# %% [markdown]
# ## A bandit on the real rates
#
# Thompson sampling over each test's arms with the whole test's rates as the truth, in
# batches; what it brings over sharing visits evenly.

# %%
truth = asked.conversions / asked.units
even = np.bincount(asked.test, truth) / np.bincount(asked.test)
starts = np.searchsorted(asked.test, np.arange(TESTS))


def replay(visits: int, mean_shift: np.ndarray | None, sharpness: float) -> float:
    """Return clicks over even sharing less one, of all tests together.

    Args:
        visits: of each test.
        mean_shift: of each arm's prior; none for a flat prior, Beta(1, 1).
        sharpness: pseudo-counts are multiplied by it before drawing.
    """
    level = even[asked.test]
    kappa = 1 / (TAU**2 * level)
    if mean_shift is None:
        wins, losses = np.ones(len(truth)), np.ones(len(truth))
    else:
        mean = np.minimum(level * np.exp(mean_shift), 0.9)
        wins, losses = kappa * mean, kappa * (1 - mean)
    clicks = 0.0
    step = max(visits // 60, 1)
    for _ in range(visits // step):
        drawn = rng.beta(sharpness * wins, sharpness * losses, (step, len(wins)))
        best = np.maximum.reduceat(drawn, starts, axis=1)[:, asked.test]
        shown = (drawn == best).sum(axis=0).astype(float)
        hit = rng.binomial(shown.astype(np.int64), truth)
        wins, losses = wins + hit, losses + shown - hit
        clicks += hit.sum()
    return clicks / ((visits // step) * step * even.sum()) - 1


SHARP = 4.0
none = np.zeros(len(truth))
rules = {
    "flat": (None, 1.0),
    "flat, sharpened": (None, SHARP),
    "learned": (none, 1.0),
    "learned, sharpened": (none, SHARP),
    "transfer, sharpened": (shift, SHARP),
    "placebo, sharpened": (placebo, SHARP),
}
gains = {
    name: {
        visits: 100 * np.mean([replay(visits, *rule) for _ in range(REPEATS)])
        for visits in (600, 3_000)
    }
    for name, rule in rules.items()
}
print("clicks over even sharing, percent")
print(
    pl.DataFrame(
        [{"bandit": name, **{f"{v:,} visits": g for v, g in each.items()}} for name, each in gains.items()]
    )
)
assert gains["transfer, sharpened"][600] > gains["flat, sharpened"][600], gains

# %% [markdown]
# The level of each test is taken as known in these replays, as a page's own rate is. It
# is one publisher, whose editors wrote headlines in one manner; that another's words tell
# the same is not shown.
