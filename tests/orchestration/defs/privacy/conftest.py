"""Homes with visitors: one that has run, and one from which Alice was erased."""

import shutil
from dataclasses import replace

import pytest

from code24.settings import Ports, Settings
from orchestration.run import run_loop
from tests.conftest import free_port
from tests.orchestration.conftest import Finished
from tests.orchestration.defs.privacy.broken import Broken, erase_broken_off
from tests.orchestration.defs.privacy.visitors import add_visitors


@pytest.fixture(scope="session")
def visited(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a home that has run with the visitors in it."""
    home = tmp_path_factory.mktemp("visited") / "home"
    shutil.copytree(finished.settings.home, home)
    settings = replace(finished.settings, home=home)
    add_visitors(settings)
    assert run_loop(settings, lambda _: None).is_success
    return settings


@pytest.fixture(scope="session")
def erased(visited: Settings, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """Return a copy of it from which Alice was erased while the collector ran.

    The erasure was killed after its first stores, and begun again.
    """
    home = tmp_path_factory.mktemp("erased") / "home"
    shutil.copytree(visited.home, home)
    ports = Ports(collector=free_port())
    return erase_broken_off(replace(visited, home=home, ports=ports))
