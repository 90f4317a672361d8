"""Which wins stand when all tests of a site are judged together (e-BH).

A claim errs in at most one test in twenty without a gain. Of the claims of a site that
runs many such tests more may be wrong. The e-BH procedure (Wang & Ramdas 2022) bounds
the expected share of false ones among all it keeps, whatever the dependence between
tests, and however often and whenever it is asked: so it is also right while tests run.
"""

import polars as pl

FALSE_SHARE = 0.05
"""Greatest expected share of false wins among those with the strict badge."""


def is_strict() -> pl.Expr:
    """Say which rows of an analysis keep their win among all of their site.

    Of a site's m e-values the k largest are kept, for the greatest k whose smallest is
    at least m / (k ``FALSE_SHARE``). Rows without an e-value are none of the m, and
    have no badge.
    """
    e = pl.col("e_value")
    number = e.count().over("site_id")
    rank = e.rank("max", descending=True).over("site_id")
    is_enough = e >= number / (rank * FALSE_SHARE)
    kept = rank.filter(is_enough).max().over("site_id")
    return (rank <= kept).fill_null(value=False).alias("is_strict")
