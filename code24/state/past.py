"""The finished tests that sites bring along; their counts inform the priors."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.experiment import PastExperiment, PastVariant
from code24.state import audit, sites
from code24.state.checked import checked
from code24.state.errors import StateError
from code24.state.store import State
from code24.state.tables import past_experiments


def import_past(
    state: State, experiments: Sequence[PastExperiment], *, actor: str, now: datetime
) -> int:
    """Add finished tests; return how many were not there before.

    Raises:
        StateError: a count is wrong, or a test is there with other figures or stands
            twice; then none of them is added.
        NotKnownError: a site is not known.
    """
    wanted = _by_key(checked(experiment) for experiment in experiments)
    counts = Counter(site_id for site_id, _ in wanted)
    with state.write() as connection:
        for site_id in counts:
            sites.require(connection, site_id)
        known = _by_key(_select(connection, counts))
        added = [test for key, test in wanted.items() if _is_new(key, test, known)]
        if added:
            _insert(connection, added, actor=actor, now=now)
    return len(added)


def list_past(state: State) -> list[PastExperiment]:
    """Return the finished tests, by site and id, variants in their own order."""
    with state.read() as connection:
        return _select(connection)


def _by_key(
    experiments: Iterable[PastExperiment],
) -> dict[tuple[str, str], PastExperiment]:
    found: dict[tuple[str, str], PastExperiment] = {}
    for test in experiments:
        if found.setdefault((test.site_id, test.experiment_id), test) != test:
            raise StateError(
                f"past experiment {test.experiment_id!r} of site {test.site_id!r} "
                "stands twice, with different figures: leave one out"
            )
    return found


def _is_new(
    key: tuple[str, str],
    wanted: PastExperiment,
    known: Mapping[tuple[str, str], PastExperiment],
) -> bool:
    if key not in known:
        return True
    if known[key] != wanted:
        raise StateError(
            f"past experiment {wanted.experiment_id!r} of site {wanted.site_id!r} is "
            "there with other figures: give it another id"
        )
    return False


def _insert(
    connection: Connection,
    added: Sequence[PastExperiment],
    *,
    actor: str,
    now: datetime,
) -> None:
    rows = [row for experiment in added for row in _rows(experiment)]
    connection.execute(sa.insert(past_experiments), rows)
    for site_id, count in Counter(test.site_id for test in added).items():
        subject, after = f"site:{site_id}", {"past_experiments": count}
        audit.append(
            connection, "site.import_past", subject, actor=actor, now=now, after=after
        )


def _rows(experiment: PastExperiment) -> list[dict[str, Any]]:
    return [
        {
            "site_id": experiment.site_id,
            "experiment_id": experiment.experiment_id,
            "variant_id": variant.variant_id,
            "position": position,
            "units": variant.units,
            "conversions": variant.conversions,
            "test_type": experiment.test_type,
            "goal_type": experiment.goal_type,
            "ended_at": experiment.ended_at,
            "source": experiment.source,
        }
        for position, variant in enumerate(experiment.variants)
    ]


def _select(
    connection: Connection, site_ids: Iterable[str] | None = None
) -> list[PastExperiment]:
    past = past_experiments.c
    query = sa.select(past_experiments).order_by(
        past.site_id, past.experiment_id, past.position
    )
    if site_ids is not None:
        query = query.where(past.site_id.in_(list(site_ids)))
    grouped: dict[tuple[str, str], list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        grouped[row["site_id"], row["experiment_id"]].append(row)
    return [_experiment(rows) for rows in grouped.values()]


def _experiment(rows: Sequence[RowMapping]) -> PastExperiment:
    first = rows[0]
    return PastExperiment(
        site_id=first["site_id"],
        experiment_id=first["experiment_id"],
        test_type=first["test_type"],
        goal_type=first["goal_type"],
        ended_at=first["ended_at"],
        source=first["source"],
        variants=tuple(
            PastVariant(
                variant_id=row["variant_id"],
                units=row["units"],
                conversions=row["conversions"],
            )
            for row in rows
        ),
    )
