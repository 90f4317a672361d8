from collections.abc import Iterator
from pathlib import Path

import pytest

from code24.settings import Ports, Settings
from tests.app.collector.serving import Served, serving
from tests.conftest import free_port


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return one collector for all tests of a module."""
    home: Path = tmp_path_factory.mktemp("collector")
    settings = Settings(home=home, ports=Ports(collector=free_port()))
    with serving(settings) as collector:
        yield collector
