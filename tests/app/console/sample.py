"""Reports as orchestration writes them, made from counts that stand here."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

PRIOR_SD = 0.06
LAST_DAY = date(2015, 4, 3)
PUBLISHED_AT = datetime(2015, 4, 3, 15, 0, tzinfo=UTC)
Arms = tuple[tuple[str, int, int], ...]
PARTS: dict[str, Arms] = {
    "headline-won": (("v0", 10_000, 400), ("v1", 10_040, 520), ("v2", 9_960, 430)),
    "headline-open": (("v0", 3_000, 150), ("v1", 3_020, 155)),
    "headline-split": (("v0", 5_000, 250), ("v1", 4_200, 260)),
    "price-lost": (("v0", 8_000, 640), ("v1", 8_010, 480)),
    "layout-new": (("v0", 0, 0), ("v1", 0, 0)),
}
"""Test → variant, visitors, converted; the first variant is the control."""
STATUS = {"headline-won": "complete", "price-lost": "complete"}
SITE = {"price-lost": "corner-shop"}
VERIFICATION = "headline-won--holdout-500"
HELD_OUT: Arms = (("v0", 5_000, 200), ("v1", 95_000, 4_550))
NAMES = {"v0": "As it was", "v1": "You won't *believe* this <b>", "v2": "Plain"}


def write(reports: Path, version: str = "v-a1", *, is_current: bool = True) -> Path:
    """Write one version of the reports; return its folder."""
    folder = reports / version
    folder.mkdir(parents=True)
    for name, frame in frames().items():
        frame.write_parquet(folder / f"{name}.parquet")
    if is_current:
        (reports / "CURRENT").write_text(version)
    return folder


def frames() -> dict[str, pl.DataFrame]:
    """Return every report."""
    return {
        "sites": pl.DataFrame(
            {
                "site_id": ["corner-shop", "daily-news", "new-site"],
                "host": ["shop.example", "news.example", "new.example"],
                "vertical": ["grocery", "news", "saas"],
                "goals": [["sales"], ["traffic", "signups"], ["leads"]],
            }
        ),
        "site_daily": _site_daily(),
        "goal_daily": _goal_daily(),
        "channel_daily": _channel_daily(),
        "bot_daily": _bot_daily(),
        "metrics": _metrics(),
        "segments": _segments(),
        "novelty": _novelty(),
        "web_vitals": pl.DataFrame(
            {
                "site_id": ["daily-news", "daily-news"],
                "measurement_type": ["by_device", "overall"],
                "device": ["mobile", "all"],
                "metric": ["lcp", "cls"],
                "p75": [2_810.0, 0.04],
                "measurements": [412, 412],
                "rating": ["needs improvement", "good"],
            }
        ),
        "tests": _tests(),
        "analyses": _analyses(),
        "decisions": _decisions(),
        "prior": pl.DataFrame(
            {"prior_mean": [0.0], "prior_sd": [PRIOR_SD], "prior_tests": [3_412]}
        ),
        "summary": pl.DataFrame(
            {
                "as_of_event_at": [datetime.fromisoformat("2015-04-03T14:02")],
                "events": [125_430],
                "sites": [3],
                "tests": [len(PARTS)],
                "dead_letters": [7],
                "release_id": ["r000003-0a1b2c3d"],
            }
        ),
    }


def _site_daily() -> pl.DataFrame:
    days = [LAST_DAY - timedelta(days=back) for back in range(60)]
    return pl.concat(
        pl.DataFrame(
            {
                "site_id": [site] * len(days),
                "date_day": days,
                "page_views": [3 * size + 40 * (d.weekday() < 5) for d in days],
                "sessions": [size + 20 * (d.weekday() < 5) for d in days],
                "visitors": [size + 15 * (d.weekday() < 5) for d in days],
                "conversions": [size // 20 + d.day % 5 for d in days],
                "conversion_value_cents": [value * (d.day % 7 + 1) for d in days],
                "bot_events": [d.day % 3 for d in days],
                "events": [5 * size for d in days],
            }
        ).with_columns(pl.col("conversion_value_cents").cast(pl.Decimal(38, 0)))
        for site, size, value in (("daily-news", 900, 0), ("corner-shop", 120, 30_000))
    )


def _goal_daily() -> pl.DataFrame:
    days = [LAST_DAY - timedelta(days=back) for back in range(30)]
    return pl.concat(
        pl.DataFrame(
            {
                "site_id": [site] * len(days),
                "date_day": days,
                "goal_type": [goal] * len(days),
                "conversions": [20 + d.day for d in days],
                "converting_visitors": [18 + d.day for d in days],
                "value_cents": [value] * len(days),
            }
        )
        for site, goal, value in (
            ("daily-news", "traffic", 0),
            ("daily-news", "signups", 0),
            ("corner-shop", "sales", 90_000),
        )
    )


def _channel_daily() -> pl.DataFrame:
    days = [LAST_DAY - timedelta(days=back) for back in range(60)]
    return pl.concat(
        pl.DataFrame(
            {
                "site_id": [site] * len(days),
                "date_day": days,
                "channel": [channel] * len(days),
                "sessions": [sessions] * len(days),
                "visitors": [sessions - 2] * len(days),
                "engaged_sessions": [sessions // 2] * len(days),
                "page_views": [3 * sessions] * len(days),
                "conversions": [sessions // 20] * len(days),
                "value_cents": [0] * len(days),
            }
        )
        for site, channel, sessions in (
            ("daily-news", "Organic Search", 410),
            ("daily-news", "Direct", 260),
            ("daily-news", "Organic Social", 180),
            ("daily-news", "Referral", 50),
            ("corner-shop", "Email", 120),
        )
    )


def _bot_daily() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "site_id": ["daily-news"] * 3,
            "date_day": [LAST_DAY, LAST_DAY, LAST_DAY - timedelta(days=28)],
            "bot_reason": [
                "crawler-user-agents: Googlebot\\/",
                "declared: isAutomated",
                "ua-parser: Old",
            ],
            "detector": ["crawler-user-agents", "declared", "ua-parser"],
            "events": [1_204, 17, 5],
            "visitors": [3, 1, 1],
        }
    )


def _tests() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "experiment_id": test,
                "site_id": SITE.get(test, "daily-news"),
                "test_type": test.partition("-")[0],
                "goal_type": "sales" if test in SITE else "traffic",
                "status": STATUS.get(test, "running"),
                "coverage": 1.0,
                "hash_version": 2,
                "start_at": datetime.fromisoformat("2015-03-01"),
                "end_at": datetime.fromisoformat("2015-04-01")
                if test in STATUS
                else None,
                "winner_variant_id": "v1" if test == "headline-won" else None,
                "decision_id": f"d-{test}" if test in STATUS else None,
                "variation_index": index,
                "variant_id": variant,
                "name": NAMES[variant],
            }
            for test, arms in PARTS.items()
            for index, (variant, _, _) in enumerate(arms)
        ]
    )


def _metrics() -> pl.DataFrame:
    """Return a guardrail and a secondary metric of one test."""
    return pl.DataFrame(
        [
            {
                "experiment_id": "headline-won",
                "metric_id": name,
                "role": role,
                "kind": kind,
                "is_increase_good": True,
                "variation_index": index,
                "variant_id": variant,
                "is_control": index == 0,
                "units": units,
                "units_pending": 12,
                "mean": mean * (1 + index / 10),
                "lift": index / 10,
                "lift_low": index / 10 - 0.05,
                "lift_high": index / 10 + 0.05,
                "chance_to_win": 0.97 if index else None,
                "e_value_harm": 0.01 if index else None,
                "is_enough_data": True,
                "problem": None,
            }
            for name, role, kind, mean in (
                ("revenue", "secondary", "value", 1.234),
                ("came-back", "guardrail", "retention", 0.0825),
            )
            for index, (variant, units, _) in enumerate(PARTS["headline-won"])
        ]
    )


def _novelty() -> pl.DataFrame:
    """Return two variants of one test: an effect that fades, and one that stays."""
    return pl.DataFrame(
        [
            {
                "experiment_id": "headline-won",
                "variation_index": index,
                "variant_id": f"v{index}",
                "days": 28,
                "raw_slope": slope * 1.2,
                "slope": slope,
                "slope_low": slope - 0.03,
                "slope_high": slope + 0.03,
                "lift_first": 0.29,
                "lift_latest": latest,
                "lift_latest_low": latest - 0.05,
                "lift_latest_high": latest + 0.05,
                "e_value": 90.0 if index == 1 else 0.7,
                "e_value_needed": 40.0,
                "course": course,
            }
            for index, slope, latest, course in (
                (1, -0.06, 0.04, "falling"),
                (2, 0.004, 0.06, "steady"),
            )
        ]
    )


def _segments() -> pl.DataFrame:
    """Return the segments of one test, of which one differs."""
    return pl.DataFrame(
        [
            {
                "experiment_id": "headline-won",
                "variation_index": index,
                "variant_id": f"v{index}",
                "dimension": dimension,
                "segment": segment,
                "units": 2_000,
                "conversions": 110,
                "control_units": 2_010,
                "control_conversions": 100,
                "raw_lift": lift * 1.5,
                "lift": lift,
                "lift_low": lift - 0.05,
                "lift_high": lift + 0.06,
                "difference": lift - 0.18,
                "e_value": 600.0 if lift < 0 else 0.4,
                "e_value_needed": 160.0,
                "is_different": lift < 0,
            }
            for index in (1, 2)
            for dimension, segment, lift in (
                ("device", "desktop", 0.2),
                ("device", "mobile", -0.08 if index == 1 else 0.02),
                ("visitor_type", "new", 0.17),
                ("visitor_type", "returning", 0.19),
            )
        ]
    )


def _analyses() -> pl.DataFrame:
    rows = [
        _analysis(test, arms, index)
        for test, arms in PARTS.items()
        for index in range(len(arms))
        if arms[0][1] > 0
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _analysis(test: str, arms: Arms, index: int) -> dict[str, Any]:
    """Analyse one variant alone: a normal prior on the log ratio to the control."""
    (_, base_units, base), (variant, units, converted) = arms[0], arms[index]
    observed = math.log(converted / units) - math.log(base / base_units)
    variance = 1 / converted - 1 / units + 1 / base - 1 / base_units
    precision = 1 / variance + 1 / PRIOR_SD**2
    effect, sd = (observed / variance) / precision, math.sqrt(1 / precision)
    if index == 0:
        effect, sd = 0.0, 0.0
    chance = 0.5 * math.erfc(-effect / sd / math.sqrt(2)) if sd else 0.5
    return {
        "experiment_id": test,
        "site_id": SITE.get(test, "daily-news"),
        "variation_index": index,
        "variant_id": variant,
        "is_control": index == 0,
        "units": units,
        "conversions": converted,
        "rate": converted / units,
        "control_rate": base / base_units,
        "effect": effect,
        "effect_sd": sd,
        "lift": math.expm1(effect),
        "lift_low": math.expm1(effect - 1.645 * sd),
        "lift_high": math.expm1(effect + 1.645 * sd),
        "raw_lift": math.expm1(observed),
        "chance_to_win": chance,
        "chance_best": chance / len(arms),
        "expected_loss": 0.004,
        "is_enough_data": units > 4_000,
        "srm_p": 1.5e-16 if test == "headline-split" else 0.62,
        "is_srm": test == "headline-split",
        "srm_level": "alarm" if test == "headline-split" else "ok",
        "e_value": 151.2 if test == "headline-won" and index == 1 else None,
        "units_multiple": 12,
        "problem": None,
        "prior_mean": 0.0,
        "prior_sd": PRIOR_SD,
        "prior_tests": 3_412,
        "weight": 1 / len(arms),
    }


def _decisions() -> pl.DataFrame:
    evidence = json.dumps({"lift": 0.183, "chanceToWin": 0.9999, "units": 30_000})

    def row(test: str, kind: str, day: int, **more: Any) -> dict[str, Any]:
        return {
            "decision_id": f"d-{test}" if kind in {"ship", "stop"} else f"{test}-{day}",
            "experiment_id": test,
            "site_id": SITE.get(test, "daily-news"),
            "kind": kind,
            "variant_id": more.get("variant_id"),
            "is_claimed": more.get("is_claimed", False),
            "reason": more["reason"],
            "decided_at": datetime.fromisoformat(f"2015-03-{day:02}T09:30"),
            "evidence": evidence,
        }

    return pl.DataFrame(
        [
            row("headline-won", "keep", 8, reason="Too early: 3 of 7 days."),
            row(
                "headline-won", "ship", 28, variant_id="v1", is_claimed=True,
                reason="v1 lifts traffic by 18.3% [9.7%, 27.5%] *net* of its cost.",
            ),
            row("headline-open", "keep", 28, reason="No difference shown."),
            row("headline-split", "hold", 28, reason="The split is off: p = 1.5e-16."),
            row("price-lost", "stop", 20, reason="v1 loses sales; the control stays."),
        ]
    )  # fmt: skip


def add_verification(reports: Path, version: str = "v-a1") -> None:
    """Add what a holdout of 5% knows about the variant that headline-won shipped."""
    folder = reports / version
    tests = pl.read_parquet(folder / "tests.parquet")
    is_its = (pl.col("experiment_id") == "headline-won") & (
        pl.col("variation_index") < 2
    )
    verifying = tests.filter(is_its).with_columns(
        pl.lit(VERIFICATION).alias("experiment_id"),
        pl.lit("holdout").alias("test_type"),
        pl.lit("running").alias("status"),
        pl.col("end_at").alias("start_at"),
        pl.lit(None, dtype=pl.Datetime).alias("end_at"),
        pl.lit(None, dtype=pl.String).alias("winner_variant_id"),
    )
    pl.concat([tests, verifying]).write_parquet(folder / "tests.parquet")
    analyses = pl.read_parquet(folder / "analyses.parquet")
    rows = [_analysis(VERIFICATION, HELD_OUT, index) for index in range(2)]
    planned = pl.Series("weight", [0.05, 0.95])
    analysed = pl.DataFrame(rows, schema=analyses.schema).with_columns(planned)
    pl.concat([analyses, analysed]).write_parquet(folder / "analyses.parquet")


def many(sites: int, tests_each: int) -> dict[str, pl.DataFrame]:
    """Return reports of many sites, each a copy of ``daily-news`` with its tests."""
    base = frames()
    numbers = pl.DataFrame({"number": range(sites)})
    suffix = pl.concat_str(pl.lit("-"), pl.col("number").cast(pl.String))
    keys = ("site_id", "experiment_id", "decision_id")
    copies = {}
    for name, frame in base.items():
        if "site_id" not in frame.columns:
            copies[name] = frame
            continue
        own = frame.filter(pl.col("site_id") == "daily-news")
        if "experiment_id" in own.columns:
            wanted = list(PARTS)[:tests_each]
            own = own.filter(pl.col("experiment_id").is_in(wanted))
        crossed = own.join(numbers, how="cross")
        renamed = [pl.col(key) + suffix for key in keys if key in own.columns]
        copies[name] = crossed.with_columns(renamed).drop("number")
    return copies
