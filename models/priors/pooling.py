"""Priors by kind of change, goal and vertical, each drawn to the wider group's.

From wide to narrow: all tests; those of one kind of change; of one kind and goal; of
one kind, goal and vertical. Each group's prior is fitted to its own tests and to
pseudo-tests from the next wider group, so a group with few tests is believed to be
like the others and one with many speaks for itself (partial pooling). A group that
is all of its wider group is not fitted again: its tests would count twice.

A site may keep its tests to itself: they then teach no other site, and one step more
fits them into that site's own prior.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from models.experiments.arms import Integers
from models.priors.history import naive_utc
from models.priors.learning import (
    PSEUDO_TESTS,
    Evidence,
    Fit,
    arms_of,
    evidence,
    fit,
    fit_correlation,
    fit_of,
    parent_of,
    usable,
)
from models.priors.mixture import DEFAULT_PRIOR, Prior

GROUP_PSEUDO_TESTS = 30.0
"""For how many tests of a group its wider group counts. Fewer lets groups of a dozen
tests follow their noise; more leaves vertical differences unlearned. 10 to 100."""
LEAST_SITES = 1
"""Sites that must have contributed to a group before others are told what it says.
1: all sites are one operator's, who sees them all. Where customers must not be able to
infer one another's results, 3 or more."""
LEVELS = (
    (),
    ("test_type",),
    ("test_type", "goal_type"),
    ("test_type", "goal_type", "vertical"),
)
"""The columns that make up a group, from wide to narrow."""
NAMES = ("vertical", "goal_type", "test_type")


@dataclass(frozen=True, slots=True)
class Kind:
    """Of which site a test is, and what it changes for which goal."""

    site_id: str
    vertical: str | None = None
    goal_type: str | None = None
    test_type: str | None = None


Group = tuple[tuple[str, str], ...]
"""The columns and values that define a group."""


@dataclass(frozen=True)
class PriorBook:
    """What is known of effects at one moment, for every kind of test."""

    shared: dict[Group, Prior]
    """The prior of each group of the sites that share, with tests enough."""
    own: dict[str, dict[Group, Prior]]
    """The same of each site whose tests no other is told of, from its own tests."""

    def of(self, kind: Kind) -> Prior:
        """Return the prior of the narrowest group that a test belongs to."""
        book = self.own.get(kind.site_id, self.shared)
        groups = (_group(columns, kind) for columns in reversed(LEVELS))
        return next(book[group] for group in groups if group in book)


def learn_book(
    past: pl.DataFrame,
    *,
    before: datetime | None = None,
    private_sites: Collection[str] = (),
    least_sites: int = LEAST_SITES,
    default: Prior = DEFAULT_PRIOR,
) -> PriorBook:
    """Learn the priors of all groups from all usable finished tests.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``; where ``vertical``,
            ``goal_type`` or ``test_type`` are absent, the groups by them are too.
        before: use only tests that ended earlier.
        private_sites: their tests inform themselves alone.
        least_sites: contributors that a shared group needs.
        default: what to believe without tests.
    """
    used = usable(past, before=before)
    is_private = pl.col("site_id").is_in(list(private_sites))
    moment = naive_utc(before)
    root: dict[Group, Prior] = {(): default}
    shared = _learn(used.filter(~is_private), root, least_sites, moment)
    lone = set(private_sites)
    if shared == root:
        lone |= set(used["site_id"].unique())
    return PriorBook(
        shared,
        {
            site: _learn(used.filter(pl.col("site_id") == site), shared, 1, moment)
            for site in sorted(lone)
        },
    )


def _learn(
    used: pl.DataFrame,
    parents: dict[Group, Prior],
    least_sites: int,
    before: datetime | None,
) -> dict[Group, Prior]:
    """Fit every group of these tests; ``parents`` are the priors of other tests."""
    arms = arms_of(used)
    if not arms.tests or used["site_id"].n_unique() < least_sites:
        return parents
    correlation = fit_correlation(arms, parents[()])
    told = evidence(arms, parents[()].scales, correlation)
    tests = used.unique(["site_id", "experiment_id"], keep="first", maintain_order=True)
    number = arms.tests + parents[()].tests
    found: dict[Group, Prior] = {}
    sizes: dict[Group | None, int] = {}
    for columns in LEVELS:
        for group, rows in _groups(tests, columns, least_sites):
            if len(rows) == sizes.get(_wider(group, found)):
                continue
            parent, strength = _parent(group, found, parents)
            part = Evidence(*(values[rows] for values in told))
            is_first = not group and not parent.tests
            drawn_to = parent_of(part, parent) if is_first else fit_of(parent)
            learned = fit(part, drawn_to, strength)
            found[group] = _prior(learned, parent, correlation, number, before, group)
            sizes[group] = len(rows)
    return parents | found


def _parent(
    group: Group, found: dict[Group, Prior], parents: dict[Group, Prior]
) -> tuple[Prior, float]:
    """Return what a group is drawn to, and for how many tests that counts."""
    if not group:
        parent = parents[()]
        return parent, GROUP_PSEUDO_TESTS if parent.tests else PSEUDO_TESTS
    return found[_wider(group, found) or ()], GROUP_PSEUDO_TESTS


def _wider(group: Group, found: dict[Group, Prior]) -> Group | None:
    """Return the next wider group that has a prior of its own."""
    wider = (group[:-number] for number in range(1, len(group) + 1))
    return next((each for each in wider if each in found), None)


def _groups(
    tests: pl.DataFrame, columns: tuple[str, ...], least_sites: int
) -> list[tuple[Group, Integers]]:
    """Return each group of tests by these columns, with the rows of its tests."""
    if not set(columns) <= set(tests.columns):
        return []
    if not columns:
        return [((), np.arange(tests.height))]
    numbered = tests.with_row_index("row").drop_nulls(columns)
    rows = numbered.group_by(columns, maintain_order=True).agg(
        "row", pl.col("site_id").n_unique().alias("sites")
    )
    return [
        (tuple((name, row[name]) for name in columns), np.array(row["row"]))
        for row in rows.filter(pl.col("sites") >= least_sites).iter_rows(named=True)
    ]


def _group(columns: tuple[str, ...], kind: Kind) -> Group:
    values = ((name, getattr(kind, name)) for name in columns)
    return tuple((name, value) for name, value in values if value is not None)


def _prior(
    learned: Fit,
    parent: Prior,
    correlation: float,
    number: int,
    before: datetime | None,
    group: Group,
) -> Prior:
    name = " · ".join(value for _, value in group) or "all"
    return Prior(
        parent.scales,
        tuple(learned.weights.tolist()),
        learned.shift,
        correlation,
        number,
        before,
        name,
    )
