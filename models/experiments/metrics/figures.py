"""The figures of all metrics of all tests: their sums, checked, and what they tell.

A fault in the sums of one metric becomes its ``problem``; the others go on.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from models.experiments.arms import log_means, log_rates
from models.experiments.counts import GREATEST_COUNT, AnalysisInputError
from models.experiments.metrics import KINDS
from models.experiments.metrics.estimate import SUMS, Histogram, Sums

KEY = ("experiment_id", "metric_id")
METRIC_COLUMNS = (
    *KEY,
    "site_id",
    "role",
    "kind",
    "is_plain",
    "is_increase_good",
    "measure",
    "per",
    "quantile",
)
ARM_COLUMNS = ("variation_index", "variant_id", "units_pending", *SUMS)
COUNTS = ("units", "units_with", "units_pending")
SQUARES = ("value_sum_sq", "per_sum_sq", "earlier_sum_sq")
GREATEST_SUM = 1e30
"""A billion units of a billion each: beyond is a mistake."""

FIGURES_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "metric_id": pl.String(),
    "site_id": pl.String(),
    "role": pl.String(),
    "kind": pl.String(),
    "is_increase_good": pl.Boolean(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "units": pl.Float64(),
    "units_with": pl.Float64(),
    "units_pending": pl.Float64(),
    "figure": pl.Float64(),
    "log_figure": pl.Float64(),
    "log_variance": pl.Float64(),
    "is_counted": pl.Boolean(),
    "problem": pl.String(),
}
"""One row per (experiment_id, metric_id, variation_index)."""


def figures(
    metrics: pl.DataFrame,
    stats: pl.DataFrame,
    metric_stats: pl.DataFrame,
    histogram: pl.DataFrame,
) -> pl.DataFrame:
    """Return what each metric shows of each variant, before any prior.

    Args:
        metrics: rows of ``raw.metrics``; a goal that is plain conversion is left out,
            as the analysis takes its counts as they are.
        stats: rows of ``marts.mart_experiment_stats``.
        metric_stats: rows of ``marts.mart_metric_stats``.
        histogram: rows of ``marts.mart_metric_histogram``.

    Returns:
        ``FIGURES_SCHEMA``, sorted by its key. ``figure`` is the mean, share, ratio or
        quantile, ``log_figure`` its natural logarithm (of cents where money is
        measured) without the bias of order 1/units, ``log_variance`` its sampling
        variance. Where there is a ``problem`` (one sentence, the same on each row of a
        metric) there are none of these.

    Raises:
        AnalysisInputError: a table lacks a column.
    """
    _require(metrics, METRIC_COLUMNS, "metrics")
    if metrics.is_empty():
        return pl.DataFrame(schema=FIGURES_SCHEMA)
    is_counts = (pl.col("role") == "goal") & (pl.col("kind") == "conversion")
    wanted = metrics.select(METRIC_COLUMNS).filter(~(is_counts & pl.col("is_plain")))
    if wanted.is_empty():
        return pl.DataFrame(schema=FIGURES_SCHEMA)
    rows = pl.concat([_plain(wanted, stats), _own(wanted, metric_stats)])
    rows = rows.filter(~_is_unseen())
    rows = rows.sort(*KEY, "variation_index", nulls_last=True)
    checked = _with_problem(rows, _faults())
    estimated = _estimated(checked, histogram)
    told = _with_problem(estimated, _nothing_to_compare())
    is_told = pl.col("problem").is_null()
    return (
        told.with_columns(pl.col("figure") * _unit())
        .with_columns(
            pl.when(is_told).then(pl.col(name).fill_nan(None)).alias(name)
            for name in ("figure", "log_figure", "log_variance")
        )
        .select(pl.col(name).cast(kind) for name, kind in FIGURES_SCHEMA.items())
    )


def _require(frame: pl.DataFrame, columns: Sequence[str], table: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise AnalysisInputError(
            f"{table}: column {', '.join(missing)} is missing; build the marts again"
        )


def _unit() -> pl.Expr:
    """Return what makes whole money of cents, above and below the line of a ratio."""
    cents = 100.0
    above = pl.when(pl.col("measure") == "value").then(1 / cents).otherwise(1.0)
    return above * pl.when(pl.col("per") == "value").then(cents).otherwise(1.0)


def _is_unseen() -> pl.Expr:
    """Say whether nobody was shown a variant; the analysis of the test tells of it."""
    is_empty = (pl.col("units") == 0) & (pl.col("units_pending") == 0)
    return (is_empty & (pl.col("variation_index") != 0)).fill_null(value=False)


def _plain(metrics: pl.DataFrame, stats: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of metrics that every test's statistics hold."""
    _require(stats, ("metric", "value_sum", "value_sum_sq"), "experiment stats")
    arms = stats.select(
        "experiment_id",
        pl.col("metric").alias("kind"),
        "variation_index",
        "variant_id",
        "units",
        pl.col("conversions").alias("units_with"),
        "value_sum",
        "value_sum_sq",
    )
    found = metrics.filter("is_plain").join(
        arms, on=["experiment_id", "kind"], how="left"
    )
    none = [pl.lit(0.0).alias(name) for name in ARM_COLUMNS if name not in arms.columns]
    return _as_arms(found.with_columns(*none))


def _own(metrics: pl.DataFrame, metric_stats: pl.DataFrame) -> pl.DataFrame:
    _require(metric_stats, (*KEY, *ARM_COLUMNS), "metric stats")
    arms = metric_stats.select(*KEY, *ARM_COLUMNS)
    return _as_arms(metrics.filter(~pl.col("is_plain")).join(arms, on=KEY, how="left"))


def _as_arms(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        *METRIC_COLUMNS,
        pl.col("variation_index").cast(pl.Int64, strict=False),
        pl.col("variant_id").cast(pl.String),
        *(
            pl.col(name).cast(pl.Float64, strict=False)
            for name in ("units_pending", *SUMS)
        ),
    ).with_columns(pl.col("quantile").cast(pl.Float64))


Fault = tuple[pl.Expr, pl.Expr]
"""When it is one, and the sentence that tells of it."""


def _fault(condition: pl.Expr, text: str, *values: pl.Expr) -> Fault:
    sentence = pl.format(text, *values) if values else pl.lit(text)
    return condition.fill_null(value=False), sentence


def _faults() -> list[Fault]:
    who = pl.col("variant_id").fill_null("?")
    arms = pl.len().over(KEY)
    controls = (pl.col("variation_index") == 0).sum().over(KEY)
    same = pl.len().over(*KEY, "variation_index")
    return [
        _fault(
            pl.col("variation_index").is_null(),
            "no statistics of it are there yet: code24 run",
        ),
        *(_not_a_number(name, who) for name in ("units_pending", *SUMS)),
        *(_negative(name, who) for name in (*COUNTS, *SQUARES)),
        *(_absurd(name, who, GREATEST_COUNT) for name in COUNTS),
        *(_absurd(name, who, GREATEST_SUM) for name in SUMS if name not in COUNTS),
        _fault(
            pl.col("units_with") > pl.col("units"),
            "units_with of variant '{}' is {}, more than its {} units",
            who,
            *map(_short, ("units_with", "units")),
        ),
        _fault(same > 1, "variation_index {} stands twice", pl.col("variation_index")),
        _fault(arms < 2, "variation_index: one variant, and a test compares two"),
        _fault(controls != 1, "variation_index 0, the control, is missing"),
        _fault(
            pl.col("units") == 0, "units of variant '{}' is 0: nobody counts yet", who
        ),
    ]


def _not_a_number(name: str, who: pl.Expr) -> Fault:
    is_none = pl.col(name).is_null() | ~pl.col(name).is_finite()
    told = f"{name} of variant '{{}}' is missing or not a number"
    return _fault(is_none.fill_null(value=True), told, who)


def _negative(name: str, who: pl.Expr) -> Fault:
    told = f"{name} of variant '{{}}' is {{}}, but cannot be negative"
    return _fault(pl.col(name) < 0, told, who, _short(name))


def _absurd(name: str, who: pl.Expr, greatest: float) -> Fault:
    told = f"{name} of variant '{{}}' is {{}}, beyond any real one"
    return _fault(pl.col(name).abs() > greatest, told, who, _short(name))


def _nothing_to_compare() -> list[Fault]:
    who, of = pl.col("variant_id"), pl.col("figure")
    return [
        _fault(
            (of <= 0) & ~pl.col("is_counted"),
            "value_sum of variant '{}' is {}: variants are compared by a ratio, which "
            "needs sums above 0",
            who,
            _short("value_sum"),
        ),
        _fault(
            of.is_null() | of.is_nan(), "variant '{}' has nothing to compare yet", who
        ),
        _fault(
            ~(pl.col("log_variance") > 0) | pl.col("log_variance").is_nan(),
            "value_sum_sq of variant '{}' does not say how units vary: too few units",
            who,
        ),
    ]


def _with_problem(rows: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    """Add the first fault of each metric that has none yet."""
    told = pl.coalesce(pl.when(c).then(text) for c, text in faults)
    rank = pl.coalesce(pl.when(c).then(i) for i, (c, _) in enumerate(faults))
    found = (
        rows.with_columns(told.alias("told"), rank.alias("rank"))
        .filter(pl.col("told").is_not_null())
        .group_by(KEY)
        .agg(pl.col("told").sort_by("rank").first())
    )
    joined = rows.join(found, on=KEY, how="left", maintain_order="left")
    sentence = pl.format("test '{}', metric '{}': {}", *KEY, pl.col("told"))
    known = pl.col("problem") if "problem" in rows.columns else pl.lit(None, pl.String)
    return joined.with_columns(pl.coalesce(known, sentence).alias("problem")).drop(
        "told"
    )


def _short(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_suffix(".0")


def _estimated(rows: pl.DataFrame, histogram: pl.DataFrame) -> pl.DataFrame:
    """Add the figures of sound rows, kind by kind."""
    sound = rows.filter(pl.col("problem").is_null())
    parts = [_of_kind(part, histogram) for part in sound.partition_by("kind")]
    empty = sound.clear().with_columns(
        *(pl.lit(None, pl.Float64).alias(n) for n in _FOUND),
        pl.lit(None, pl.Boolean).alias("is_counted"),
    )
    rest = rows.filter(pl.col("problem").is_not_null())
    whole = pl.concat([*parts, empty, rest], how="diagonal_relaxed")
    return whole.sort(*KEY, "variation_index", nulls_last=True)


_FOUND = ("figure", "log_figure", "log_variance")


def _of_kind(rows: pl.DataFrame, histogram: pl.DataFrame) -> pl.DataFrame:
    kind = KINDS[rows["kind"][0]]
    sums = _sums(rows, histogram)
    found = kind.estimate(sums)
    is_above = (found.mean > 0) & np.isfinite(found.variance)
    logs = log_means(np.where(is_above, found.mean, np.nan), found.variance)
    if kind.is_counted:
        logs, _ = log_rates(sums.units, sums.units_with)
    return rows.with_columns(
        pl.Series("figure", found.mean),
        pl.Series("log_figure", logs),
        pl.Series("log_variance", found.variance),
        pl.lit(kind.is_counted).alias("is_counted"),
    )


def _sums(rows: pl.DataFrame, histogram: pl.DataFrame) -> Sums:
    test = rows.select(pl.struct(KEY).rle_id()).to_series()
    return Sums(
        test=test.cast(pl.Int64).to_numpy(),
        quantile=rows["quantile"].to_numpy(),
        histogram=_histogram(rows, histogram),
        **{name: rows[name].to_numpy() for name in SUMS},
    )


def _histogram(rows: pl.DataFrame, histogram: pl.DataFrame) -> Histogram:
    arms = rows.select(*KEY, "variation_index").with_row_index("arm")
    place = [*KEY, "variation_index"]
    bins = histogram.with_columns(pl.col("variation_index").cast(pl.Int64))
    found = arms.join(bins, on=place).sort("arm", "bin")
    return Histogram(
        found["arm"].cast(pl.Int64).to_numpy(),
        found["bin"].to_numpy(),
        found["units"].cast(pl.Float64).to_numpy(),
    )
