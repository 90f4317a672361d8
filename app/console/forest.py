"""The forest plot: lifts of many segments with their intervals, under one another."""

import altair as alt
import polars as pl

from app.console import charts, wording
from app.console.palette import UNCLEAR, tone

DIMENSION = {
    "channel": "Channel",
    "country": "Country",
    "device": "Device",
    "visitor_type": "Visitor",
}


def of_segments(rows: pl.DataFrame, lift: float | None, goal: str) -> charts.Layers:
    """Chart each segment's lift of one variant with its interval.

    Args:
        rows: of the report ``segments``, of one test and variant, one at least.
        lift: the variant's in the whole test.
        goal: what changes, in words.
    """
    data = _data(rows)
    order = data["Segment"].to_list()
    x = alt.X("Low:Q", title=f"Change of {goal} over the control", axis=_axis())
    y = alt.Y("Segment:N", sort=order, title=None, axis=alt.Axis(labelLimit=300))
    colour = alt.Color("Colour:N", scale=None)
    base = alt.Chart(data).encode(y=y, color=colour, tooltip=_tooltip())
    bars = base.mark_bar(height=9, cornerRadius=4, opacity=0.5).encode(x=x, x2="High:Q")
    points = base.mark_point(size=90, filled=True, opacity=1).encode(x="Lift:Q")
    counted = base.mark_point(size=60, shape="diamond").encode(x="Counted:Q")
    rules = [_rule(0.0, [4, 3]), *([] if lift is None else [_rule(lift, [])])]
    return alt.layer(*rules, bars, counted, points).properties(
        height=alt.Step(24),
        title=alt.TitleParams(
            "Does the change work alike for everybody?",
            subtitle=[
                "Round: drawn to the whole test (solid line), with its 90% interval.",
                "Diamond: counts alone. In colour: shown to differ from the rest.",
            ],
            subtitleColor=UNCLEAR,
        ),
    )


def name(row: dict[str, str]) -> str:
    """Return what a segment is called, as ``Device: mobile``."""
    return f"{DIMENSION.get(row['dimension'], row['dimension'])}: {row['segment']}"


def _data(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "Segment": name(row),
                "Low": row["lift_low"],
                "High": row["lift_high"],
                "Lift": row["lift"],
                "Counted": row["raw_lift"],
                "Shown": f"{wording.lift(row['lift'])} ({wording.interval(row)})",
                "Alone": wording.lift(row["raw_lift"]),
                "Visitors": row["units"] + row["control_units"],
                "Colour": _colour(row),
            }
            for row in rows.iter_rows(named=True)
        ]
    )


def _colour(row: dict[str, float | None]) -> str:
    if not row["is_different"]:
        return UNCLEAR
    return tone(row["difference"], row["difference"])


def _axis() -> alt.Axis:
    return alt.Axis(format=charts.PERCENT, tickCount=7)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("Segment:N"),
        alt.Tooltip("Shown:N", title="Lift"),
        alt.Tooltip("Alone:N", title="Counts alone"),
        alt.Tooltip("Visitors:Q", format=",d"),
    ]


def _rule(at: float, dash: list[int]) -> alt.Chart:
    data = pl.DataFrame({"at": [at]})
    rule: alt.Chart = alt.Chart(data).mark_rule(strokeDash=dash, color=UNCLEAR)
    return rule.encode(x="at:Q")
