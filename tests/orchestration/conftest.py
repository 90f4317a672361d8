"""A home on which the loop has run once; and copies of it to do harm to."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from code24.settings import Settings
from orchestration.run import LoopResult, StepUpdate, run_loop
from tests.orchestration.homes import make_home


@dataclass(frozen=True)
class Finished:
    """What the first run left, and what it told."""

    settings: Settings
    result: LoopResult
    updates: list[StepUpdate]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    settings = Settings(home=tmp_path_factory.mktemp("finished") / "home")
    make_home(settings)
    updates: list[StepUpdate] = []
    return Finished(settings, run_loop(settings, updates.append), updates)


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Settings:
    """Return the settings of a copy of the finished home."""
    home = tmp_path / "home"
    shutil.copytree(finished.settings.home, home)
    return replace(finished.settings, home=home)
