"""The charts; each asks its question in its title."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from app.console.palette import AHEAD, BEHIND, CONTROL, UNCLEAR, of_variants
from app.console.wording import count, lift
from code24.contracts.slots import Waiting

Z90 = 1.6449
"""Standard normal deviate of a central 90% interval."""
POINTS = 240
SHRUNK, FLAT = "With the prior", "Counts alone"
PRIOR = "Prior"
LABEL_LENGTH = 44
LABEL_ROOM = 1.5
"""How much longer than its longest bar a chart is, for the words beside it."""
PERCENT = "+.0%"
Layers = alt.LayerChart | alt.FacetChart


def labels(variants: pl.DataFrame) -> list[str]:
    """Return what each variant is called in a chart: its id and its name, cut."""
    return [
        _cut(f"{row['variant_id']} · {row['name']}")
        if row["name"] and row["name"] != row["variant_id"]
        else str(row["variant_id"])
        for row in variants.iter_rows(named=True)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def effects(variants: pl.DataFrame, goal: str) -> Layers | None:
    """Chart each variant's lift over the control: interval, shrunk and flat point."""
    rows = _analysed(variants)
    if not rows:
        return None
    data = pl.DataFrame(
        {
            "Variant": [row["label"] for row in rows],
            "Low": [row["lift_low"] for row in rows],
            "High": [row["lift_high"] for row in rows],
        }
    )
    order = [row["label"] for row in rows]
    x = alt.X("Low:Q", title=f"Change of {goal} over the control", axis=_percent_axis())
    y = alt.Y("Variant:N", sort=order, title=None, axis=_label_axis())
    bars = (
        alt.Chart(data)
        .mark_bar(height=12, cornerRadius=6, opacity=0.45)
        .encode(
            x=x,
            x2="High:Q",
            y=y,
            color=alt.Color("Variant:N", scale=_colours(order), legend=None),
        )
    )
    layers = [*_prior_band(rows[0]), _zero(), bars, *_estimates(rows, order)]
    return alt.layer(*layers).properties(
        height=alt.Step(40),
        title=_title(
            "Which variant does better than the control, and by how much?",
            "Bars: 90% intervals. Grey band: 90% of the prior.",
        ),
    )


def _analysed(variants: pl.DataFrame) -> list[dict[str, Any]]:
    named = variants.with_columns(pl.Series("label", labels(variants), dtype=pl.String))
    return named.filter(
        ~pl.col("is_control")
        & pl.col("effect_sd").is_not_null()
        & (pl.col("effect_sd") > 0)
    ).to_dicts()


def _colours(order: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(order), range=of_variants(len(order) + 1)[1:])


def _title(question: str, *explanation: str) -> alt.TitleParams:
    return alt.TitleParams(question, subtitle=list(explanation), subtitleColor=UNCLEAR)


def _percent_axis() -> alt.Axis:
    return alt.Axis(format=PERCENT, tickCount=7)


def _label_axis() -> alt.Axis:
    return alt.Axis(labelLimit=300)


def _zero() -> alt.Chart:
    data = pl.DataFrame({"at": [0.0]})
    rule: alt.Chart = alt.Chart(data).mark_rule(strokeDash=[4, 3], color=UNCLEAR)
    return rule.encode(x="at:Q")


def _prior_band(row: dict[str, Any]) -> list[alt.Chart]:
    if row["prior_sd"] is None:
        return []
    mean, wide = row["prior_mean"] or 0.0, Z90 * row["prior_sd"]
    data = pl.DataFrame(
        {"from": [float(np.expm1(mean - wide))], "to": [float(np.expm1(mean + wide))]}
    )
    band = alt.Chart(data).mark_rect(color=UNCLEAR, opacity=0.13)
    return [band.encode(x="from:Q", x2="to:Q")]


def _estimates(rows: Sequence[dict[str, Any]], order: Sequence[str]) -> list[alt.Chart]:
    return [
        _points(rows, order, SHRUNK, "lift").mark_point(size=110, filled=True),
        _points(rows, order, FLAT, "raw_lift").mark_point(size=90, strokeWidth=2.5),
    ]


def _points(
    rows: Sequence[dict[str, Any]], order: Sequence[str], kind: str, column: str
) -> alt.Chart:
    data = pl.DataFrame(
        {
            "Variant": [row["label"] for row in rows],
            "Lift": pl.Series([row[column] for row in rows], dtype=pl.Float64),
            "Estimate": [kind] * len(rows),
            "Shown": [lift(row[column]) for row in rows],
        }
    ).drop_nulls("Lift")
    shapes = alt.Scale(domain=[SHRUNK, FLAT], range=["circle", "diamond"])
    legend = alt.Legend(
        title=None, orient="top", symbolFillColor=UNCLEAR, symbolStrokeColor=UNCLEAR
    )
    points: alt.Chart = alt.Chart(data).encode(
        x="Lift:Q",
        y=alt.Y("Variant:N", sort=list(order)),
        shape=alt.Shape("Estimate:N", scale=shapes, legend=legend),
        color=alt.Color("Variant:N", scale=_colours(order), legend=None),
        opacity=alt.value(1),
        tooltip=["Variant:N", "Estimate:N", alt.Tooltip("Shown:N", title="Lift")],
    )
    return points


def posteriors(variants: pl.DataFrame, goal: str) -> Layers | None:
    """Chart how likely each size of lift is, per variant, and before any data."""
    rows = _analysed(variants)
    if not rows:
        return None
    data = _densities(rows)
    order = [row["label"] for row in rows]
    x = alt.X(
        "Lift:Q", title=f"Change of {goal} over the control", axis=_percent_axis()
    )
    y = alt.Y("Density:Q", title="How likely", axis=alt.Axis(labels=False, ticks=False))
    legend = alt.Legend(
        title=None, orient="bottom", labelLimit=300, columns=2, symbolOpacity=1
    )
    colour = alt.Color("Variant:N", scale=_colours(order), legend=legend)
    curves = alt.Chart(data.filter(pl.col("Variant") != PRIOR)).encode(
        x=x, color=colour
    )
    filled = curves.mark_area(opacity=0.2).encode(y=y.stack(None))
    lines = curves.mark_line(strokeWidth=2.5).encode(y=y)
    prior = (
        alt.Chart(data.filter(pl.col("Variant") == PRIOR))
        .mark_line(strokeDash=[5, 4], color=CONTROL, strokeWidth=2)
        .encode(x=x, y=y)
    )
    return alt.layer(_zero(), prior, filled, lines).properties(
        height=320 + 22 * ((len(rows) + 1) // 2),
        title=_title(
            "How sure are we of the size of the change?",
            "The more of a curve lies right of nought, the surer the gain.",
            "Dashed: the prior, which is what was expected before the first visitor.",
        ),
    )


def _densities(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return the curve of every variant, and of the prior, on one grid of lifts."""
    low = min(row["effect"] - 4.0 * row["effect_sd"] for row in rows)
    high = max(row["effect"] + 4.0 * row["effect_sd"] for row in rows)
    grid = np.linspace(min(low, -0.01), max(high, 0.01), POINTS)
    curves = [(row["label"], row["effect"], row["effect_sd"]) for row in rows]
    first = rows[0]
    if first["prior_sd"]:
        curves.append((PRIOR, first["prior_mean"] or 0.0, first["prior_sd"]))
    return pl.concat(
        pl.DataFrame(
            {
                "Variant": [name] * POINTS,
                "Lift": np.expm1(grid),
                "Density": _density(grid, mean, sd),
            }
        )
        for name, mean, sd in curves
    )


def _density(log_ratio: Any, mean: float, sd: float) -> Any:
    """Return the density of the relative lift where the log ratio is normal."""
    bell = np.exp(-0.5 * ((log_ratio - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    return bell / np.exp(log_ratio)


def split(variants: pl.DataFrame) -> Layers | None:
    """Chart the share of visitors that each variant got against the planned one."""
    counted = variants.filter(pl.col("units").is_not_null())
    if counted.is_empty() or not counted["units"].sum():
        return None
    data = counted.select(
        pl.Series("Variant", labels(counted), dtype=pl.String),
        pl.col("share").alias("Share"),
        pl.col("weight").alias("Planned"),
        pl.col("units").alias("Visitors"),
    )
    order = data["Variant"].to_list()
    y = alt.Y("Variant:N", sort=order, title=None, axis=_label_axis())
    base = alt.Chart(data).encode(
        y=y,
        tooltip=[
            "Variant:N",
            alt.Tooltip("Visitors:Q", format=",d"),
            alt.Tooltip("Share:Q", format=".2%"),
            alt.Tooltip("Planned:Q", format=".2%"),
        ],
    )
    x = alt.X("Share:Q", title="Share of visitors", axis=alt.Axis(format=".0%"))
    bars = base.mark_bar(height=14, cornerRadius=3, opacity=0.6, color=AHEAD)
    ticks = base.mark_tick(thickness=3, size=24, color=BEHIND).encode(x="Planned:Q")
    return alt.layer(bars.encode(x=x), ticks).properties(
        height=alt.Step(34),
        title=_title(
            "Did each variant get its planned share of visitors?",
            "Bars: who came. Orange marks: the plan.",
        ),
    )


def channels(values: pl.DataFrame) -> Layers:
    """Chart the sessions that each channel brought, and how many of them converted."""
    rows = values.to_dicts()
    data = pl.DataFrame(
        {
            "Channel": [row["channel"] for row in rows],
            "Sessions": [row["sessions"] for row in rows],
            "Conversions": [row["conversions"] for row in rows],
            "Each session": [row["conversions"] / row["sessions"] for row in rows],
            "Label": [_converted(row["sessions"], row["conversions"]) for row in rows],
        }
    )
    most: int = max(row["sessions"] for row in rows)
    base = alt.Chart(data).encode(
        x=alt.X(
            "Sessions:Q",
            title="Sessions",
            axis=alt.Axis(format=",d", tickCount=5, tickMinStep=1),
            scale=alt.Scale(domainMax=LABEL_ROOM * most),
        ),
        y=alt.Y("Channel:N", sort=data["Channel"].to_list(), title=None),
        tooltip=[
            "Channel:N",
            alt.Tooltip("Sessions:Q", format=",d"),
            alt.Tooltip("Conversions:Q", format=",d"),
            alt.Tooltip("Each session:Q", format=".2f", title="Conversions a session"),
        ],
    )
    bars = base.mark_bar(height=16, cornerRadius=3, opacity=0.7, color=AHEAD)
    words = base.mark_text(align="left", dx=6, color=UNCLEAR).encode(text="Label:N")
    return alt.layer(bars, words).properties(
        height=alt.Step(30),
        title=_title(
            "Where do visits come from, and which of them convert?",
            "Last 28 days, by the first page of each visit, in the channels of Google "
            "Analytics.",
        ),
    )


def _converted(sessions: int, conversions: int) -> str:
    return f"{count(sessions)} sessions · {count(conversions)} conversions"


def queue(drafts: Sequence[Waiting]) -> Layers | None:
    """Chart what each planned draft is worth for each day of a slot."""
    planned = [(each.test_id, each.plan.outlook) for each in drafts if each.plan]
    if not planned:
        return None
    data = pl.DataFrame(
        {
            "Draft": [name for name, _ in planned],
            "Worth": [outlook.worth_a_day for _, outlook in planned],
            "Label": [
                f"{outlook.days:.0f} days · ships {outlook.chance_to_ship:.0%}"
                for _, outlook in planned
            ],
        }
    )
    base = alt.Chart(data).encode(
        x=alt.X(
            "Worth:Q",
            title="Lift over the horizon for each day of a slot",
            axis=alt.Axis(format=".3%", tickCount=5),
        ),
        y=alt.Y("Draft:N", sort=data["Draft"].to_list(), title=None),
        tooltip=["Draft:N", alt.Tooltip("Worth:Q", format=".4%"), "Label:N"],
    )
    bars = base.mark_bar(height=16, cornerRadius=3, opacity=0.7, color=AHEAD)
    words = base.mark_text(align="left", dx=6, color=UNCLEAR).encode(text="Label:N")
    return alt.layer(bars, words).properties(
        height=alt.Step(30),
        title=_title(
            "What is waiting worth?",
            "Drafts in their order, each planned from the learned prior and the site's "
            "traffic.",
        ),
    )


def daily(values: pl.DataFrame, column: str, title: str, unit: str) -> alt.Chart:
    """Chart one figure of a site a day; ``title`` is the question."""
    data = values.select("date_day", pl.col(column).alias("value"))
    area: alt.Chart = alt.Chart(data).encode(
        x=alt.X("date_day:T", title=None, axis=alt.Axis(format="%-d %b %Y")),
        y=alt.Y("value:Q", title=unit, axis=alt.Axis(tickMinStep=1)),
        tooltip=[
            alt.Tooltip("date_day:T", title="Day", format="%-d %b %Y"),
            alt.Tooltip("value:Q", title=unit, format=",.0f"),
        ],
    )
    drawn: alt.Chart = area.mark_area(
        opacity=0.15,
        color=AHEAD,
        line={"color": AHEAD, "strokeWidth": 2},
        interpolate="monotone",
    )
    return drawn.properties(height=220, title=title)
