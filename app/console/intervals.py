"""Intervals drawn small, as pictures that stand in the cells of a table."""

from collections.abc import Iterable

from app.console.palette import UNCLEAR, tone

WIDTH, HEIGHT = 160, 24
REACHES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""How far an axis may reach on each side of nought, as a relative lift."""

Interval = tuple[float | None, float | None, float | None]
"""Low end, point and high end of a relative lift."""


def reach(intervals: Iterable[Interval]) -> float:
    """Return the axis that nine of ten intervals fit on; the rest run off its ends."""
    ends = sorted(
        max(abs(low), abs(high))
        for low, _, high in intervals
        if low is not None and high is not None
    )
    if not ends:
        return REACHES[1]
    needed = ends[int(0.9 * (len(ends) - 1))]
    return next((step for step in REACHES if step >= needed), REACHES[-1])


def picture(interval: Interval, axis: float) -> str | None:
    """Draw one interval on an axis from ``-axis`` to ``axis``, as a data address.

    An end that runs off the axis is cut flat, one that does not is round.
    """
    low, point, high = interval
    if low is None or point is None or high is None:
        return None
    colour = tone(low, high)
    left, right = (max(min(_place(end, axis), WIDTH + 9), -9) for end in (low, high))
    at = min(max(_place(point, axis), 5), WIDTH - 5)
    middle = HEIGHT / 2
    body = (
        f"<path d='M{WIDTH / 2} 2V{HEIGHT - 2}' stroke='{UNCLEAR}' stroke-width='1' "
        "stroke-dasharray='2 2'/>"
        f"<rect x='{left:.1f}' y='{middle - 3.5}' width='{max(right - left, 2):.1f}' "
        f"height='7' rx='3.5' fill='{colour}' fill-opacity='.6'/>"
        f"<circle cx='{at:.1f}' cy='{middle}' r='4.5' "
        f"fill='{colour}'/>"
    )
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' "
        f"viewBox='0 0 {WIDTH} {HEIGHT}'>{body}</svg>"
    )
    return "data:image/svg+xml;utf8," + drawing.replace("#", "%23")


def _place(value: float, axis: float) -> float:
    return WIDTH / 2 * (1 + value / axis)
