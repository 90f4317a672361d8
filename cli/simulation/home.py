"""A home for what is simulated, which no operator's can be taken for."""

import shutil
from pathlib import Path

from code24.errors import Code24Error
from code24.settings import Settings

MARK = "SIMULATED.txt"
"""Lies in every simulated home; nothing is ever written into a home without it."""
NOTE = "All sites, visitors, tests and decisions below this folder are simulated.\n"
FOLDER = "simulated"


class SimulationError(Code24Error):
    """A simulation cannot be run as asked."""


def simulated_home(settings: Settings, into: Path | None, *, is_new: bool) -> Settings:
    """Return the settings of an empty home for a simulation.

    Its state is always a file below it, wherever the operator's is.

    Args:
        settings: the operator's; their home is never written to but below
            ``simulated``.
        into: another folder; absent, empty, or simulated before.
        is_new: remove what was simulated there before.

    Raises:
        SimulationError: the folder holds anything else, or an earlier simulation.
    """
    home = check_home(settings, into, is_new=is_new)
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARK).write_text(NOTE)
    return Settings(home=home, reference_data=settings.reference_data)


def check_home(settings: Settings, into: Path | None, *, is_new: bool) -> Path:
    """Return the folder that a simulation may have; it is left as it is.

    Raises:
        SimulationError: as ``simulated_home``.
    """
    home = (into or settings.home / FOLDER).expanduser().resolve()
    _refuse_real(home, settings.home)
    if (home / MARK).exists() and not is_new:
        raise SimulationError(
            f"{home}: an earlier simulation stands there; remove it with --replace, "
            "or name another folder with --into"
        )
    return home


def _refuse_real(home: Path, own: Path) -> None:
    if home == own or home in own.parents:
        raise SimulationError(
            f"{home}: is the home of real sites, or holds it; a simulation needs one "
            "of its own: --into FOLDER"
        )
    is_used = home.exists() and (not home.is_dir() or any(home.iterdir()))
    if is_used and not (home / MARK).exists():
        raise SimulationError(
            f"{home}: holds files that no simulation made; name an empty folder with "
            "--into"
        )
