"""The manual names every attribute, command and event of the source, and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "app" / "tracker" / "src").glob("*.ts"))
)
MANUAL = (ROOT / "docs" / "tracker.md").read_text(encoding="utf-8")


def _first_cells(heading: str) -> set[str]:
    """Return the names in code in the first column of a section's table."""
    section = MANUAL.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_tags_attributes_are_those_that_are_read() -> None:
    read = set(re.findall(r'\b(?:say|has)\("([a-z-]+)"\)', SOURCE))
    assert len(read) >= 11
    assert _first_cells("The tag") == {f"data-{name}" for name in read}


def test_the_marks_are_those_that_are_read() -> None:
    read = set(re.findall(r'"(data-code24-[a-z-]+)"', SOURCE))
    named = {name.removesuffix("…") for name in _first_cells("In the page's HTML")}
    assert len(read) >= 7
    assert named == read


def test_the_events_are_those_that_are_recorded() -> None:
    interactions = re.findall(r'\.interaction\(\s*"(\w+)"', SOURCE)
    others = re.findall(r'record\("(page_view|conversion)"', SOURCE)
    unnamed = re.findall(r'interaction\(name \|\| "(\w+)"', SOURCE)
    recorded = {*interactions, *others, *unnamed}
    assert len(recorded) >= 12
    assert _first_cells("What it records") == recorded


def test_the_commands_are_those_that_are_answered() -> None:
    answered = SOURCE.partition("  answer({\n")[2].partition("  });\n")[0]
    commands = set(re.findall(r"^    (\w+):", answered, re.MULTILINE))
    assert len(commands) == 5
    told = _first_cells("From the page's scripts")
    assert {re.findall(r'^code24\("(\w+)"', call)[0] for call in told} == commands


def test_every_field_that_is_sent_is_named() -> None:
    sizes = SOURCE.partition("measure() {")[2].partition("};")[0]
    fields = re.findall(r"^        (\w+): ", sizes, re.MULTILINE)
    assert len(fields) == 6
    for field in (*fields, "title", "engagedMs", "pageViewId", "rating"):
        assert f"`{field}`" in MANUAL or f"metadata.{field}`" in MANUAL
