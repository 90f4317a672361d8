"""The columns of the raw tables; all times are UTC without a zone, in µs."""

import pyarrow as pa

_TEXT = pa.string()
_TIME = pa.timestamp("us")

EVENTS = pa.schema(
    {
        "event_id": _TEXT,
        "site_id": _TEXT,
        "event_type": _TEXT,
        "goal_type": _TEXT,
        "conversion_value": pa.float64(),
        "visitor_id": _TEXT,
        "session_id": _TEXT,
        "event_at": _TIME,
        "sent_at": _TIME,
        "received_at": _TIME,
        "url": _TEXT,
        "referrer": _TEXT,
        "metadata": _TEXT,
        "origin": _TEXT,
        "bot_reason": _TEXT,
        "log_partition": _TEXT,
        "log_offset": pa.int64(),
    }
)

SNAPSHOTS: dict[str, pa.Schema] = {
    "sites": pa.schema(
        {
            "site_id": _TEXT,
            "host": _TEXT,
            "vertical": _TEXT,
            "is_shared": pa.bool_(),
        }
    ),
    "goals": pa.schema({"site_id": _TEXT, "goal_type": _TEXT, "position": pa.int32()}),
    "experiments": pa.schema(
        {
            "experiment_id": _TEXT,
            "site_id": _TEXT,
            "test_type": _TEXT,
            "goal_type": _TEXT,
            "status": _TEXT,
            "coverage": pa.float64(),
            "hash_version": pa.int32(),
            "start_at": _TIME,
            "end_at": _TIME,
            "winner_variant_id": _TEXT,
            "decision_id": _TEXT,
        }
    ),
    "variants": pa.schema(
        {
            "experiment_id": _TEXT,
            "variation_index": pa.int32(),
            "variant_id": _TEXT,
            "name": _TEXT,
        }
    ),
    "metrics": pa.schema(
        {
            "experiment_id": _TEXT,
            "metric_id": _TEXT,
            "site_id": _TEXT,
            "position": pa.int32(),
            "role": _TEXT,
            "kind": _TEXT,
            "is_plain": pa.bool_(),
            "is_increase_good": pa.bool_(),
            "measure": _TEXT,
            "measure_goal_type": _TEXT,
            "per": _TEXT,
            "per_goal_type": _TEXT,
            "delay_hours": pa.float64(),
            "window_hours": pa.float64(),
            "is_mature_only": pa.bool_(),
            "cap": pa.float64(),
            "cap_share": pa.float64(),
            "covariate_days": pa.int32(),
            "quantile": pa.float64(),
        }
    ),
    "weights": pa.schema(
        {
            "experiment_id": _TEXT,
            "from_at": _TIME,
            "variation_index": pa.int32(),
            "weight": pa.float64(),
            "release_id": _TEXT,
        }
    ),
    "decisions": pa.schema(
        {
            "decision_id": _TEXT,
            "experiment_id": _TEXT,
            "site_id": _TEXT,
            "kind": _TEXT,
            "variant_id": _TEXT,
            "is_claimed": pa.bool_(),
            "reason": _TEXT,
            "decided_at": _TIME,
        }
    ),
    "past_experiments": pa.schema(
        {
            "site_id": _TEXT,
            "experiment_id": _TEXT,
            "variant_id": _TEXT,
            "variation_index": pa.int32(),
            "units": pa.int64(),
            "conversions": pa.int64(),
            "test_type": _TEXT,
            "goal_type": _TEXT,
            "ended_at": _TIME,
            "source": _TEXT,
        }
    ),
}
