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
# # The closed form beside the full model
#
# Priors are learned in closed form. How far is that from the whole hierarchical model,
# sampled by PyMC and nutpie (`models/priors/reference.py`)? We fit both to the same real
# headline tests (Upworthy Research Archive, Matias et al. 2021, CC BY 4.0), of each test
# its first two arms, and compare how large effects are thought to be and what each says
# of single tests. A fit whose chains do not agree (r-hat 1.01, 400 effective draws) is an
# error.
#
# `CODE24_STUDY_TESTS=3000 .venv/bin/python notebooks/reference.py` is the full size.

# %%
import os
from pathlib import Path

import numpy as np
import polars as pl

from models.priors.history import screen
from models.priors.learning import learn
from models.priors.reference import closed_effects, data_of, distance, fit_reference

TESTS = int(os.environ.get("CODE24_STUDY_TESTS", "150"))
SAMPLE = Path("data/sample/upworthy/headline_tests.parquet")

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
    .filter(pl.col("variation_index") < 2)
)
used = screen(past).filter(pl.col("reason").is_null()).sort("ended_at", "experiment_id")
some = past.join(used.tail(TESTS), on="experiment_id", how="semi")
data = data_of(some)
closed = learn(some)
print(f"{len(data.x):,} tests of two arms")

# %%
found = fit_reference(data)
sd = found.sd()[:, 0]
away = float(distance(found, [closed] * len(data.x))[0])
apart = np.abs(found.effects() - closed_effects(data, [closed] * len(data.x)))
in_errors = apart / np.sqrt(data.variance)
print(f"r-hat {found.r_hat:.3f}, effective draws {found.ess:,.0f}")
print(f"sd of effects: full model {sd.mean():.3f} ± {sd.std():.3f}, closed form {closed.sd:.3f}")
print(f"that is {away:+.2f} of the full model's standard deviations")
print(
    f"effects of single tests differ by {in_errors.mean():.3f} of their sampling error on "
    f"average, 99% by less than {np.quantile(in_errors, 0.99):.3f}"
)
assert abs(away) < 3, away
assert in_errors.mean() < 0.1

# %% [markdown]
# What matters is what is said of single tests, and there both agree. The spread of the
# closed form is the larger one, as its grid of scales leaves more weight in the tails;
# the more tests there are, the surer the full model is, and the more of its standard
# deviations the same small difference makes.
