"""The frames of the reports: marts as they are, shared state as it stands now."""

from typing import Any

import duckdb
import polars as pl

from code24.contracts.decision import Decision
from code24.contracts.wire import encode
from code24.releases import Reader
from code24.settings import Settings
from code24.state import decisions, open_state
from code24.state.snapshot import tables
from models.experiments.novelty import NOVELTY_SCHEMA
from models.experiments.segments import SEGMENT_SCHEMA
from orchestration.defs.raw.assets import dead_letters
from orchestration.defs.raw.schema import SNAPSHOTS
from orchestration.defs.raw.snapshots import Rows, snapshot_table
from orchestration.warehouse import Warehouse, rows

_MARTS = {
    "site_daily": "from marts.mart_site_daily order by all",
    "goal_daily": "from marts.mart_goal_daily order by all",
    "channel_daily": "from marts.mart_channel_daily order by all",
    "bot_daily": "from marts.mart_bot_daily order by all",
    "web_vitals": "from marts.mart_web_vitals order by all",
    "analyses": "from experiments.analyses order by experiment_id, variation_index",
    "metrics": "from experiments.metric_analyses "
    "order by experiment_id, metric_id, variation_index",
    "prior": "from priors.effect_priors where experiment_id is null "
    "and prior_group = 'all'",
    "summary": "select max(event_at) as as_of_event_at, count(*) as events "
    "from staging.stg_events",
}
_IN_DEPTH: dict[str, tuple[str, dict[str, pl.DataType]]] = {
    "segments": ("segment_analyses", SEGMENT_SCHEMA),
    "novelty": ("novelty_analyses", NOVELTY_SCHEMA),
}
"""What the loop makes by the hour: absent until it has run once, then empty here."""
_DECISIONS: dict[str, pl.DataType] = {
    "decision_id": pl.String(),
    "experiment_id": pl.String(),
    "site_id": pl.String(),
    "kind": pl.String(),
    "variant_id": pl.String(),
    "is_claimed": pl.Boolean(),
    "reason": pl.String(),
    "decided_at": pl.Datetime("us"),
    "evidence": pl.String(),
    "policy": pl.String(),
}


def build_frames(settings: Settings, warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    """Return every frame of the reports, rows in a fixed order.

    Tests and decisions come from shared state, not from this run's snapshot of it,
    which was taken before the run decided; so an unchanged second run finds the same.
    """
    with warehouse.connect() as connection:
        frames = {name: rows(connection, query) for name, query in _MARTS.items()}
        frames |= _in_depth(connection)
    frames |= _of_state(settings)
    frames["summary"] = _summary(settings, frames)
    return frames


def _in_depth(connection: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    made = rows(connection, "select table_name from duckdb_tables()")["table_name"]
    return {
        name: rows(connection, f"from experiments.{table} order by all")
        if table in made
        else pl.DataFrame(schema=schema)
        for name, (table, schema) in _IN_DEPTH.items()
    }


def _of_state(settings: Settings) -> dict[str, pl.DataFrame]:
    with open_state(settings.database_url) as state:
        found = tables(state)
        log = decisions.list_decisions(state)
    known = {row["site_id"] for row in found["sites"]}
    of_sites, goals, experiments, variants = (
        _frame(name, found[name])
        for name in ("sites", "goals", "experiments", "variants")
    )
    return {
        "sites": sites_frame(of_sites, goals),
        "tests": experiments.join(variants, on="experiment_id", maintain_order="left"),
        "decisions": pl.DataFrame(
            [_row(d) for d in log if d.site_id in known], schema=_DECISIONS
        ),
    }


def sites_frame(sites: pl.DataFrame, goals: pl.DataFrame) -> pl.DataFrame:
    """Return the sites with the list of their goals, the main one first."""
    listed = goals.sort("site_id", "position").group_by("site_id", maintain_order=True)
    return sites.join(
        listed.agg(pl.col("goal_type").alias("goals")),
        on="site_id",
        how="left",
        maintain_order="left",
    )


def _frame(name: str, found: Rows) -> pl.DataFrame:
    frame = pl.from_arrow(snapshot_table(name, found, SNAPSHOTS[name]))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"snapshot {name!r} is no table")
    return frame


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "experiment_id": decision.test_id,
        "site_id": decision.site_id,
        "kind": decision.kind,
        "variant_id": decision.variant,
        "is_claimed": decision.is_claimed,
        "reason": decision.reason,
        "decided_at": decision.decided_at.replace(tzinfo=None),
        "evidence": encode(decision.evidence).decode(),
        "policy": encode(decision.policy).decode(),
    }


def _summary(settings: Settings, frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    return frames["summary"].with_columns(
        pl.lit(frames["sites"].height).alias("sites"),
        pl.lit(frames["tests"]["experiment_id"].n_unique()).alias("tests"),
        pl.lit(sum(dead_letters(settings.log).values())).alias("dead_letters"),
        pl.lit(reader.current_id()).alias("release_id"),
    )
