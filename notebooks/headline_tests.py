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
# # What a learned prior says of headline tests
#
# A site that picks the best of several headlines believes in the lift it saw. How much
# of that lift is still there among visitors who had no say in the choice? We take real
# headline tests (Upworthy Research Archive, Matias et al. 2021, CC BY 4.0), show each
# analysis only a part of the impressions, and ask the rest.
#
# Two analyses are compared. They differ in the prior alone:
#
# * **flat**: nothing is assumed of effects, as in most dashboards;
# * **learned**: a normal prior fitted to tests that *ended before* the scored ones began.
#
# Everything below comes from `models/`, the code that the platform itself runs. As a
# script it prints its results: `.venv/bin/python notebooks/headline_tests.py`.

# %%
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from models.experiments.analysis import analyze
from models.experiments.arms import log_rates
from models.experiments.policy import decide
from models.experiments.sample_ratio import SampleRatioRule, check
from models.priors.history import screen
from models.priors.learning import learn
from models.priors.mixture import DEFAULT_PRIOR, FLAT_PRIOR, Prior

SAMPLE = Path("data/sample/upworthy/headline_tests.parquet")
BEGIN = datetime.fromisoformat("2014-02-01")
LEAST_IMPRESSIONS = 1_000
SHARES = (0.1, 0.3, 0.6)
SPLITS = 6
SEED = 20_260_105

pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_hide_column_data_types(True)
pl.Config.set_tbl_cols(-1)
pl.Config.set_tbl_width_chars(110)
pl.Config.set_float_precision(3)

# %% [markdown]
# ## The tests
#
# A test's age is the time in its id; it ends with the week in which it was made. The
# first arm in the archive's order stands as the control, because the archive names none.

# %%
end_of_week = pl.col("created_at").dt.truncate("1w") + pl.duration(days=7)
past = (
    pl.read_parquet(SAMPLE)
    .sort("created_at", "test_id", "variation")
    .select(
        pl.lit("upworthy").alias("site_id"),
        pl.col("test_id").alias("experiment_id"),
        pl.col("variation").cast(pl.Int64).alias("variation_index"),
        pl.col("impressions").cast(pl.Int64).alias("units"),
        pl.col("clicks").cast(pl.Int64).alias("conversions"),
        end_of_week.cast(pl.Datetime("us")).alias("ended_at"),
    )
)
screened = screen(past)
print(screened.group_by(pl.col("reason").fill_null("used")).len("tests").sort("tests"))

# %% [markdown]
# One test in seven does not have the split it should have (`sample ratio`), nearly all of
# them in 2013. They inform no prior and are not scored. Scored are tests from February
# 2014 on with at least 1,000 impressions an arm: the earlier half teaches, the later
# half is scored.

# %%
sound = past.join(
    screened.filter(pl.col("reason").is_null()), on="experiment_id", how="semi"
).filter(
    pl.col("ended_at") > BEGIN,
    pl.col("units").min().over("experiment_id") >= LEAST_IMPRESSIONS,
)
ends = sound.group_by("experiment_id").agg(pl.col("ended_at").first())["ended_at"]
middle = ends.median()
scored = sound.filter(pl.col("ended_at") > middle).sort("experiment_id", "variation_index")
# A test belongs to the week that ends at `ended_at`, so it began at most 7 days before.
before = scored["ended_at"].min() - timedelta(days=7)
learned = learn(past, before=before)
print(f"{learned.tests:,} tests ended before {before:%Y-%m-%d}: they teach")
print(f"{scored['experiment_id'].n_unique():,} later tests are scored")
print(
    f"learned: a log ratio has mean {learned.mean:.3f} and standard deviation "
    f"{learned.sd:.3f}, correlation {learned.correlation:.2f}; weights of the scales:"
)
print({f"{s:.3f}": round(w, 3) for s, w in zip(learned.scales, learned.weights) if w > 0.001})

# %% [markdown]
# The prior was free to find any correlation between the log ratios of one test. It found
# about one half, which is what arms have that are all alike: the "control" of a headline
# test is just the headline that stands first.
#
# ## Seen and held-out impressions
#
# Of each arm a share of the impressions is *seen*, drawn without replacement
# (hypergeometric), the rest is *held out*, six times over: one such split moves the ratio
# of both lifts by four points. The lift is that of the arm with the highest
# estimate over the average arm of its test, which is what showing it to everybody would
# bring: estimated rate over mean estimated rate, and the same of the held-out rates.


# %%
def split(table: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Split the units of each arm at random into seen and held-out ones."""
    units, conversions = table["units"].to_numpy(), table["conversions"].to_numpy()
    seen = np.round(units * share).astype(np.int64)
    clicks = rng.hypergeometric(conversions, units - conversions, seen)
    held_rate, held_variance = log_rates(
        (units - seen).astype(float), (conversions - clicks).astype(float)
    )
    return table.with_columns(
        pl.Series("units", seen),
        pl.Series("conversions", clicks),
        pl.Series("held_ratio", (conversions - clicks) / (units - seen)),
        pl.Series("held_rate", held_rate),
        pl.Series("held_variance", held_variance),
    )


def as_stats(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table in the shape of the warehouse's mart."""
    return table.select(
        "experiment_id",
        "site_id",
        "variation_index",
        pl.format("v{}", "variation_index").alias("variant_id"),
        pl.lit("conversion").alias("metric"),
        "units",
        "conversions",
        pl.lit(0).alias("units_multiple"),
        pl.lit(before).cast(pl.Datetime("us")).alias("first_exposure_at"),
        pl.lit(before + timedelta(days=7)).cast(pl.Datetime("us")).alias("last_exposure_at"),
    )


def equal_weights(table: pl.DataFrame) -> pl.DataFrame:
    """Return equal planned shares for the arms of each test."""
    return table.select(
        "experiment_id",
        "variation_index",
        pl.lit(before).cast(pl.Datetime("us")).alias("from_at"),
        (1.0 / pl.len().over("experiment_id")).alias("weight"),
    )


def analysed(table: pl.DataFrame, prior: Prior) -> pl.DataFrame:
    """Analyse the seen part and put the held-out figures beside it."""
    found = analyze(as_stats(table), equal_weights(table), prior)
    held = table.select(
        "experiment_id", "variation_index", "held_ratio", "held_rate", "held_variance"
    )
    return found.join(held, on=["experiment_id", "variation_index"], maintain_order="left")


# %%
def picked(table: pl.DataFrame) -> pl.DataFrame:
    """Return the arm that each test's analysis would pick, with both its lifts."""
    test = "experiment_id"
    estimate, held = pl.col("effect").exp(), pl.col("held_ratio")
    lifts = table.with_columns(
        (estimate / estimate.mean().over(test) - 1).alias("predicted"),
        (held / held.mean().over(test) - 1).alias("held_out"),
    )
    return lifts.sort("effect", descending=True).group_by(test, maintain_order=True).first()


def coverage(table: pl.DataFrame) -> float:
    """Return how often 90% intervals of the log ratio to the control hold.

    The held-out ratio has noise of its own, by which the interval is widened.
    """
    test = "experiment_id"
    control = {
        name: pl.col(name).first().over(test) for name in ("held_rate", "held_variance")
    }
    miss = pl.col("held_rate") - control["held_rate"] - pl.col("effect")
    noise = pl.col("held_variance") + control["held_variance"]
    z = miss / (pl.col("effect_sd").pow(2) + noise).sqrt()
    away = table.with_columns(z.abs().alias("z")).filter(~pl.col("is_control"))["z"]
    return float((away < 1.6449).mean())


def lifts(tables: list[pl.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    """Return each test's predicted and held-out lift, averaged over the splits."""
    best = [picked(table).sort("experiment_id") for table in tables]
    predicted, held_out = (
        np.mean([each[name].to_numpy() for each in best], axis=0)
        for name in ("predicted", "held_out")
    )
    return predicted, held_out


def row(name: str, share: float, tables: list[pl.DataFrame]) -> dict[str, object]:
    """Return one line of the comparison; the error is that of the choice of tests."""
    predicted, held_out = lifts(tables)
    over = predicted.mean() / held_out.mean()
    error = (predicted - over * held_out).std() / np.sqrt(len(held_out)) / held_out.mean()
    return {
        "seen": f"{share:.0%}",
        "prior": name,
        "predicted lift": predicted.mean(),
        "held-out lift": held_out.mean(),
        "predicted / held out": over,
        "± se": error,
        "90% interval holds": np.mean([coverage(table) for table in tables]),
    }


rng = np.random.default_rng(SEED)
priors = {"flat": FLAT_PRIOR, "learned": learned}
parts = {share: [split(scored, share, rng) for _ in range(SPLITS)] for share in SHARES}
tables = {
    (share, name): [analysed(part, prior) for part in parts[share]]
    for share in SHARES
    for name, prior in priors.items()
}
result = pl.DataFrame([row(name, share, tables[share, name]) for share, name in tables])
print(result)

# %%
ratio = {
    name: result.filter(pl.col("prior") == name)["predicted / held out"].to_list()
    for name in priors
}
told = {name: ", ".join(f"{value:.2f}" for value in ratio[name]) for name in priors}
print(f"A flat analysis promises {told['flat']} times what its pick then brings;")
print(f"the learned prior {told['learned']} times.")
assert min(ratio["flat"]) > 1.5, ratio
assert all(0.85 < value < 1.15 for value in ratio["learned"]), ratio

# %% [markdown]
# Both analyses say honestly how unsure they are: their intervals hold about as often as
# they should. But the figure one would put into a report is the estimate of the winner,
# and there the flat one promises several times too much.
#
# The learned one promises a little too little. How much of that is the prior's fault? A
# prior that has seen the scored tests themselves would promise:

# %%
own = learn(past.join(scored.select("experiment_id").unique(), on="experiment_id", how="semi"))
seen_itself = {
    share: [analysed(part, own) for part in parts[share][:2]] for share in SHARES
}
print(pl.DataFrame([row("its own tests", share, seen_itself[share]) for share in SHARES]))

# %% [markdown]
# Nearly as little: earlier tests are no worse a teacher than the scored ones by more
# than three points. (With the variance of each arm taken from its own count, as the
# platform did before, the ratios were .91, .87 and .87: lucky arms pulled their test's
# level up.)
#
# ## What it does not do
#
# **It picks no better arm.** Shrinkage moves all arms of a test alike where they have
# the same traffic, so the order of the arms hardly changes, and with it what is gained.


# %%
def comparison(share: float) -> dict[str, object]:
    """Return how often both analyses pick one arm, and what that changes."""
    one, other = (
        picked(tables[share, name][0]).sort("experiment_id") for name in ("flat", "learned")
    )
    gain = other["held_out"] - one["held_out"]
    return {
        "seen": f"{share:.0%}",
        "same pick": (one["variation_index"] == other["variation_index"]).mean(),
        "gain of the learned pick": gain.mean(),
        "± se": gain.std() / np.sqrt(len(gain)),
    }


print(pl.DataFrame([comparison(share) for share in SHARES]))

# %% [markdown]
# **It decides little on so few clicks.** The arms of these tests have a handful of clicks
# each, and the policy waits for 25 an arm. What it makes of the seen part:


# %%
def verdicts(share: float, name: str) -> dict[str, object]:
    """Return how many tests are decided, and what the shipped arms then bring."""
    table = tables[share, name][0]
    found = decide(table.drop("held_ratio", "held_rate", "held_variance"))
    shipped = pl.DataFrame(
        {
            "experiment_id": [v.experiment_id for v in found if v.kind == "ship"],
            "variant_id": [v.variant_id for v in found if v.kind == "ship"],
        },
        schema={"experiment_id": pl.String, "variant_id": pl.String},
    )
    control = pl.col("held_rate").first().over("experiment_id")
    lifts = table.with_columns((pl.col("held_rate") - control).alias("held_out"))
    arms = lifts.join(shipped, on=["experiment_id", "variant_id"])
    kinds = [v.kind for v in found]
    return {
        "seen": f"{share:.0%}",
        "prior": name,
        **{kind: kinds.count(kind) for kind in ("keep", "ship", "stop", "hold")},
        "claimed": sum(v.is_claimed for v in found),
        "predicted lift": np.expm1(arms["effect"].mean()) if arms.height else None,
        "held-out lift": np.expm1(arms["held_out"].mean()) if arms.height else None,
        "± se": arms["held_out"].std() / np.sqrt(arms.height) if arms.height > 1 else None,
    }


print(pl.DataFrame([verdicts(share, "learned") for share in SHARES]))

# %% [markdown]
# **It says nothing across sites.** All of these tests are one publisher's: they show
# that one site's tests teach its later ones. That one site teaches another is not shown.
#
# ## How soon it learns
#
# Priors from the newest 5, 20, 100 and 1,000 of the earlier tests, and the default, on
# 10% of the impressions.

# %%
earlier = screened.filter(pl.col("reason").is_null(), pl.col("ended_at") < before).sort(
    "ended_at", "experiment_id"
)
curve = {0: DEFAULT_PRIOR}
for number in (5, 20, 100, 1_000):
    chosen = past.join(earlier.tail(number), on="experiment_id", how="semi")
    curve[number] = learn(chosen, before=before)
learning = pl.DataFrame(
    [
        {
            "tests": prior.tests,
            "sd": prior.sd,
            "correlation": prior.correlation,
            **row("", 0.1, [analysed(part, prior) for part in parts[0.1][:2]]),
        }
        for prior in curve.values()
    ]
).drop("prior", "± se", "seen")
print(learning)

# %% [markdown]
# The default is made for changes of a page, which move little; headlines move much. With
# it, picks are promised too little until the first tests have taught better.
#
# ## Equal arms
#
# A placebo from the same data: each test's first arm is split at random into two equal
# halves, so that nothing differs, and each half gets the chance to be shipped.

# %%
controls = sound.filter(pl.col("variation_index") == 0)
units, clicks = controls["units"].to_numpy() // 2, controls["conversions"].to_numpy()
first = rng.hypergeometric(clicks, controls["units"].to_numpy() - clicks, units)
second = np.minimum(clicks - first, units)
placebo = pl.concat(
    [
        controls.with_columns(
            pl.Series("units", units),
            pl.Series("conversions", conversions),
            pl.lit(index).cast(pl.Int64).alias("variation_index"),
        )
        for index, conversions in enumerate((first, second))
    ]
).sort("experiment_id", "variation_index")
aa = decide(analyze(as_stats(placebo), equal_weights(placebo), learned))
kinds = [v.kind for v in aa]
enough = [v for v in aa if v.evidence["is_enough_data"]]
print(f"{len(aa):,} A/A tests, {len(enough):,} of them with 25 conversions an arm")
print({kind: kinds.count(kind) for kind in ("keep", "ship", "stop", "hold")})
print("claimed as proven:", sum(v.is_claimed for v in aa))
assert sum(v.is_claimed for v in aa) <= 0.05 * len(enough)

# %% [markdown]
# Whatever is shipped here is no better than its control, and that is no fault: shipping
# goes by expected value, and one of two equal arms loses nothing. Only a claim must not
# happen. The learned prior believes in large effects, because these headlines have them;
# it is the wrong prior for arms that are equal by construction.
#
# ## What the sample-ratio rule costs
#
# No winner is named while the split's p is below 0.01. A sound test pays for that rule:

# %%
RULE = SampleRatioRule()
TESTS, DAYS = 20_000, 28
daily = rng.binomial(1_000, 0.5, size=(DAYS, TESTS)).cumsum(axis=0).astype(float)
index = np.repeat(np.arange(TESTS), 2)
p = np.stack(
    [
        check(
            index,
            np.stack([seen, 1_000 * (day + 1) - seen], axis=1).ravel(),
            np.full(2 * TESTS, 0.5),
            TESTS,
        )[0]
        for day, seen in enumerate(daily)
    ]
)
print(f"held on the last of {DAYS} days: {(p[-1] < RULE.warning).mean():.2%}")
print(f"held on a day, on average:     {(p < RULE.warning).mean():.2%}")
print(f"held on some day:              {(p < RULE.warning).any(axis=0).mean():.2%}")
print(f"red (p < {RULE.alarm}) on some day: {(p < RULE.alarm).any(axis=0).mean():.2%}")
assert (p[-1] < RULE.warning).mean() < 0.015
