"""Tests with changes of pages, as automatic experiments of GrowthBook's browser client.

One for each set of pages that a test changes, all with its key and seed: a visitor has
one variant of the test on every page, and is counted once.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.dispatcher import mutations
from code24.contracts.change import Change, Match
from code24.contracts.experiment import Experiment
from code24.targeting import patterns

Fields = Mapping[str, Any]


def is_visual(test: Experiment) -> bool:
    """Say whether browsers can make the changes of a test: all of them, or none.

    A variant that were made in part would be another.
    """
    changes = list(_changes(test))
    return bool(changes) and all(map(mutations.is_expressible, changes))


def experiments(test: Experiment, rule: Fields) -> list[dict[str, Any]]:
    """Return the automatic experiments of a test that is visual.

    Args:
        test: the test whose variants are shown.
        rule: who gets which, as the rule of a feature says it.
    """
    pages = sorted({change.match for change in _changes(test)}, key=_address)
    by_address = () if test.targeting is None else test.targeting.url_patterns
    if by_address:
        told = [msgspec.to_builtins(pattern) for pattern in by_address]
        return [_experiment(test, rule, told, pages, 0)]
    return [
        _experiment(test, rule, [_pattern(page)], [page], number)
        for number, page in enumerate(pages)
    ]


def for_one(experiment: Fields, variant_id: str, *, is_counted: bool) -> Fields:
    """Return an automatic experiment that gives one variant, and tells of no other.

    Weights leave that one alone, so that the client assigns what was assigned here; a
    variant that is not counted is forced.
    """
    chosen = [each["key"] == variant_id for each in experiment["meta"]]
    kept = {k: v for k, v in experiment.items() if k not in {"condition", "filters"}}
    told = {
        **kept,
        "weights": [1.0 if is_it else 0.0 for is_it in chosen],
        "coverage": 1.0,
        "disableStickyBucketing": True,
        "variations": [
            made if is_it else {"domMutations": []}
            for made, is_it in zip(experiment["variations"], chosen, strict=True)
        ],
    }
    return told if is_counted else {**told, "force": chosen.index(True)}


def _experiment(
    test: Experiment,
    rule: Fields,
    url_patterns: list[dict[str, Any]],
    pages: list[Match],
    number: int,
) -> dict[str, Any]:
    made = [
        mutations.mutations(c for c in variant.changes if c.match in pages)
        for variant in test.variants
    ]
    return {
        **rule,
        "changeId": f"{test.test_id}:{number}",
        "manual": False,
        "urlPatterns": url_patterns,
        "variations": [{"domMutations": each} for each in made],
    }


def _changes(test: Experiment) -> Iterator[Change]:
    for variant in test.variants:
        yield from variant.changes


def _address(page: Match) -> tuple[str, str]:
    return page.host, page.path


def _pattern(page: Match) -> dict[str, Any]:
    """Return the pages as a pattern: host and path as they are, ``*`` for anything."""
    whole = page.path if page.path.startswith("/") else f"/{page.path}"
    path = "[^?#]*".join(map(patterns.escaped, whole.split("*")))
    pattern = f"^https?://{patterns.escaped(page.host)}{path}(?:[?#]|$)"
    return {"type": "regex", "include": True, "pattern": pattern}
