"""Charts and small pictures draw the figures that they are given."""

import math
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import polars as pl
import pytest

from app.console import charts, frames, intervals, palette, reading
from app.console.reading import Reports
from tests.app.console import sample


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    folder: Path = sample.write(tmp_path_factory.mktemp("reports")).parent
    return reading.read(reading.pointer(folder))


def test_an_interval_is_drawn_where_it_lies() -> None:
    drawing = intervals.picture((-0.05, 0.0, 0.05), 0.1)
    assert drawing is not None
    text = unquote(drawing.partition(",")[2])
    bar = next(e for e in ElementTree.fromstring(text) if e.tag.endswith("rect"))  # noqa: S314
    assert float(bar.attrib["x"]) == intervals.WIDTH / 4
    assert float(bar.attrib["width"]) == intervals.WIDTH / 2
    assert palette.UNCLEAR in text


@pytest.mark.parametrize(
    ("interval", "colour"),
    [
        ((0.01, 0.02, 0.03), palette.AHEAD),
        ((-0.03, -0.02, -0.01), palette.BEHIND),
        ((-0.03, 0.02, 0.05), palette.UNCLEAR),
    ],
)
def test_the_colour_says_on_which_side_of_nought_it_lies(
    interval: tuple[float, float, float], colour: str
) -> None:
    drawing = intervals.picture(interval, 0.1)
    assert drawing is not None
    assert colour.replace("#", "%23") in drawing


def test_without_an_analysis_nothing_is_drawn() -> None:
    assert intervals.picture((None, None, None), 0.1) is None
    assert intervals.reach([(None, None, None)]) == 0.1


def test_the_axis_fits_nine_of_ten_intervals() -> None:
    ordinary = [(-0.03, 0.0, 0.04)] * 9
    assert intervals.reach([*ordinary, (-3.0, 0.0, 4.0)]) == 0.05
    assert intervals.reach([(-99.0, 0.0, 99.0)]) == intervals.REACHES[-1]


def test_a_density_is_that_of_the_lift_not_of_the_log_ratio(reports: Reports) -> None:
    rows = frames.variants(reports, "headline-won").filter(~pl.col("is_control"))
    chart = charts.posteriors(rows, "traffic")
    assert chart is not None
    datasets = chart.to_dict()["datasets"].values()
    points = next(data for data in datasets if len(data) == 2 * charts.POINTS)
    curve = [p for p in points if p["Variant"].startswith("v2")]
    area = sum(
        (b["Lift"] - a["Lift"]) * (a["Density"] + b["Density"]) / 2
        for a, b in pairwise(curve)
    )
    assert area == pytest.approx(1.0, abs=0.01)
    peak = max(curve, key=lambda point: point["Density"])["Lift"]
    row = rows.row(1, named=True)
    assert peak == pytest.approx(
        math.expm1(row["effect"] - row["effect_sd"] ** 2), abs=0.005
    )


def test_the_flat_and_the_shrunk_estimate_are_both_drawn(reports: Reports) -> None:
    variants = frames.variants(reports, "headline-won")
    chart = charts.effects(variants, "traffic")
    assert chart is not None
    data = [row for rows in chart.to_dict()["datasets"].values() for row in rows]
    drawn = {row["Estimate"]: row["Lift"] for row in data if "Estimate" in row}
    assert drawn == {
        charts.SHRUNK: variants["lift"][2],
        charts.FLAT: variants["raw_lift"][2],
    }


def test_without_visitors_there_is_no_chart(reports: Reports) -> None:
    variants = frames.variants(reports, "layout-new")
    assert charts.effects(variants, "traffic") is None
    assert charts.posteriors(variants, "traffic") is None
    assert charts.split(variants) is None


def test_every_colour_is_legible_on_light_and_on_dark() -> None:
    """WCAG asks for a contrast of 3:1 between graphics and what lies behind them."""
    for colour in (palette.AHEAD, palette.BEHIND, palette.UNCLEAR, *palette.VARIANTS):
        for behind in ("#ffffff", "#12171d"):
            assert _contrast(colour, behind) >= 3.0, (colour, behind)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
