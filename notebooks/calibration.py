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
# # How often automatic decisions are right
#
# A platform that decides by itself should say how often it errs. That can be known only
# where the truth is known, so all tests here are **simulated**: base rates from 1 to 20%,
# 500 to 20,000 visitors a day and arm, a look a day for at most four weeks. In each
# *world* effects are drawn from another law. First comes a programme of past tests that
# were stopped by peeking at a flat chance to win; all of them, shipped or not, enter the
# prior. Then new tests are decided, by the platform (`models/`, the code that it runs)
# and by the rules of other tools, as they publish them.
#
# `.venv/bin/python notebooks/calibration.py` prints the results at small size;
# `CODE24_STUDY_TESTS=20000` and more takes an hour.

# %%
import os

import polars as pl

from models.simulate.calibration import BEST, Scale, compare_parents, study
from models.simulate.worlds import WORLDS

TESTS = int(os.environ.get("CODE24_STUDY_TESTS", "800"))
SCALE = Scale(tests=TESTS, chunks=max(2, TESTS // 500), past=(20, 100, 1_000))
SEED = 1
SMALL_WORLDS = ("a", "d", "revenue")
IS_SMALL = TESTS < 2_000

pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_hide_column_data_types(True)
pl.Config.set_tbl_cols(-1)
pl.Config.set_tbl_rows(-1)
pl.Config.set_tbl_width_chars(160)
pl.Config.set_float_precision(3)

# %%
worlds = [world for world in WORLDS if not IS_SMALL or world.name in SMALL_WORLDS]
results = pl.DataFrame(
    [result._asdict() for world in worlds for result in study(world, SCALE, SEED)]
).fill_nan(None)
print({world.name: world.about for world in worlds})

# %% [markdown]
# ## What decisions bring
#
# The value of a decision is the true lift of what is shipped, less 0.5% for the change,
# over the rest of the year. It is compared with that of the best policy there is, which
# knows the law of effects.


# %%
def by_world(figure: str) -> pl.DataFrame:
    """Return a figure with a row for each rule and a column for each world."""
    return results.pivot("world", index="rule", values=figure)


print("value over that of the policy that knows the law of effects")
print(by_world("value_over_best"))
print("net lift a year that a slot brings which is never empty")
print(by_world("value_per_slot"))

# %% [markdown]
# ## What is claimed
#
# Shipping is not claiming: the best policy ships many a change that does nothing. A win
# is claimed only on evidence that stays valid however often one looks.

# %%
print("share of claims that are false")
print(by_world("false_claims"))
print("share of A/A tests that are claimed at one of 28 looks")
print(by_world("claimed_equal"))
ours = results.filter(pl.col("rule").str.starts_with("learned"))
assert ours["claimed_equal"].max() <= 0.05
assert (ours["false_claims"].fill_null(0.0) * ours["claimed"] * TESTS).max() <= max(
    0.05 * TESTS * ours["claimed"].max(), 3
)

# %% [markdown]
# ## What is told
#
# The lift told of shipped variants over the one they truly have, and how often 90%
# intervals hold (effects of exactly zero are placed at random within the chance given to
# them).

# %%
print("lift told over true lift, of shipped variants")
print(by_world("claimed_over_true"))
print("90% intervals hold, at the end of each test")
print(by_world("coverage"))
print("90% intervals hold, of shipped variants")
print(by_world("coverage_shipped"))
flat = results.filter(pl.col("rule") == "flat chance to win > 95%")
assert flat["claimed_equal"].min() > 0.1
assert results.filter(pl.col("rule") == BEST)["coverage"].min() > 0.8

# %% [markdown]
# ## What a prior from few tests is drawn to
#
# With 20 tests a prior is mostly what it is drawn to. Compared: the default as it is,
# with 5 and with 20 pseudo-tests, and the default bent to what the tests say of two
# numbers (`models/priors/parent.py`), as the platform has it.

# %%
few = Scale(tests=TESTS, chunks=max(4, TESTS // 400), past=(20, 100))
results = pl.DataFrame(
    [each._asdict() for world in worlds for each in compare_parents(world, few, SEED)]
).fill_nan(None)
print("lift told over true lift, of shipped variants")
print(by_world("claimed_over_true"))
print("value over that of the policy that knows the law of effects")
print(by_world("value_over_best"))
print("90% intervals hold, of shipped variants")
print(by_world("coverage_shipped"))
print("share of claims that are false, and of tests that are claimed")
print(by_world("false_claims"))
print(by_world("claimed"))
print(f"{TESTS:,} tests a world")
