"""What a figure is, how it is registered, and the file they are written to."""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from code24.contracts.wire import Contract
from code24.settings import PROJECT_ROOT, Settings


class Figure(Contract, frozen=True, kw_only=True):
    """One measured figure: the median of its runs, beside a peer or a limit."""

    value: float
    unit: str
    against: str
    """The peer measured in the same run, or the limit."""
    ratio: float
    """``value`` over the peer's or the limit's figure."""
    runs: int


Measure = Callable[[Settings, bool], dict[str, Figure]]
"""Takes the settings and whether to be quick; returns figures by name."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A measurement, and the figures that it gives."""

    names: tuple[str, ...]
    measure: Measure


def over_limit(values: Sequence[float], unit: str, limit: float, what: str) -> Figure:
    """Return the median of ``values`` as a figure against a fixed limit."""
    value = median(values)
    return Figure(
        value=value, unit=unit, against=what, ratio=value / limit, runs=len(values)
    )


def over_peer(
    values: Sequence[float], peers: Sequence[float], unit: str, peer: str
) -> Figure:
    """Return the median of ``values`` against that of a peer in the same run.

    The ratio is the median of the ratios pair by pair, so that a machine whose speed
    drifts between pairs does not move it.
    """
    ratios = [value / other for value, other in zip(values, peers, strict=True)]
    return Figure(
        value=median(values),
        unit=unit,
        against=peer,
        ratio=median(ratios),
        runs=len(values),
    )


def write(path: Path, figures: dict[str, Figure]) -> None:
    """Add the figures to ``bench.json``; those measured earlier stay beside them."""
    earlier = json.loads(path.read_text()) if path.exists() else {}
    commit = _commit()
    kept = earlier.get("figures", {}) if earlier.get("commit") == commit else {}
    document = {
        "machine": _machine(),
        "commit": commit,
        "figures": {**kept, **msgspec.to_builtins(figures)},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".tmp")
    part.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    part.replace(path)


def _machine() -> dict[str, object]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memoryGb": round(pages / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _commit() -> str:
    found = subprocess.run(
        ("git", "rev-parse", "HEAD"),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
