"""Colours told apart with any colour vision, and legible on light and on dark.

They are of middle lightness: each has a contrast of 3:1 or more on both backgrounds.
"""

AHEAD = "#2f7fc1"
BEHIND = "#d2642a"
UNCLEAR = "#7d8896"
CONTROL = UNCLEAR
VARIANTS = ("#2f7fc1", "#c77700", "#17917a", "#b3589a", "#7a6fd0", "#a3722e")
"""Blue, amber, green, pink, violet, brown; after the sixth they start again."""

CHIPS = {
    "Running": "#2f7fc155",
    "Complete": "#7d889655",
    "Paused": "#c7770055",
    "Draft": "#7d889633",
    "Shipped": "#17917a66",
    "Stopped": "#d2642a55",
    "On hold": "#c7770066",
    "Keep running": "#2f7fc144",
    "Traffic shifted": "#7a6fd055",
    "Undone": "#7d889655",
    "Verifies": "#7a6fd055",
    "Waits": "#c7770055",
    "Approved": "#17917a66",
    "Rejected": "#d2642a55",
    "Split is off": "#d2642a66",
    "Not analysed": "#d2642a55",
    "Split in doubt": "#c7770055",
    "No visitors yet": "#7d889644",
    "Good": "#17917a66",
    "Needs improvement": "#c7770055",
    "Poor": "#d2642a66",
    "Queued": "#c7770055",
    "Dead": "#d2642a66",
    "Done": "#17917a66",
    "Cancelled": "#7d889655",
    "Well": "#17917a66",
    "Not well": "#d2642a66",
}
"""Behind a word in a table; the word says it, the colour only helps to find it."""


def tone(low: float | None, high: float | None) -> str:
    """Return the colour of an interval: above nought, below it, or across it."""
    if low is not None and low > 0:
        return AHEAD
    if high is not None and high < 0:
        return BEHIND
    return UNCLEAR


def of_variants(number: int) -> list[str]:
    """Return a colour for each of ``number`` variants, the control first."""
    return [CONTROL, *(VARIANTS[i % len(VARIANTS)] for i in range(number - 1))][:number]
