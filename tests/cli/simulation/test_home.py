"""A simulation never goes where real sites are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.simulation.home import MARK, SimulationError, check_home, simulated_home
from code24.settings import Settings
from code24.state import open_state, sites


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Return the settings of an operator whose home has a real site."""
    settings = Settings(home=tmp_path / "own")
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, "shop", "shop.example", "fashion", ["sales"], actor="test", now=now
        )
    return settings


def test_it_lies_below_the_operators_home_with_a_state_of_its_own(
    own: Settings,
) -> None:
    found = simulated_home(own, None, is_new=False)

    assert found.home == own.home / "simulated"
    assert "simulated" in (found.home / MARK).read_text()
    assert found.database_url != own.database_url
    with open_state(found.database_url) as state:
        assert sites.list_sites(state) == []


def test_a_shared_state_elsewhere_is_not_the_simulations(tmp_path: Path) -> None:
    shared = Settings(home=tmp_path / "own", state_url="postgresql://db/real")
    found = simulated_home(shared, None, is_new=False)
    assert found.database_url.startswith(f"sqlite:///{found.home}")


@pytest.mark.parametrize("where", [".", ".."])
def test_the_operators_home_is_refused_even_to_replace(
    own: Settings, where: str
) -> None:
    with pytest.raises(SimulationError, match="home of real sites"):
        simulated_home(own, own.home / where, is_new=True)
    with open_state(own.database_url) as state:
        assert len(sites.list_sites(state)) == 1


def test_another_home_with_files_is_refused_even_to_replace(
    own: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SimulationError, match="no simulation made"):
        simulated_home(Settings(home=tmp_path / "other"), own.home, is_new=True)
    assert (own.home / "state" / "state.db").exists()


def test_an_earlier_simulation_stays_unless_it_is_to_be_replaced(own: Settings) -> None:
    first = simulated_home(own, None, is_new=False)
    (first.home / "kept").touch()

    with pytest.raises(SimulationError, match="--replace"):
        simulated_home(own, None, is_new=False)
    assert check_home(own, None, is_new=True) == first.home
    assert (first.home / "kept").exists(), "a look removes nothing"
    simulated_home(own, None, is_new=True)

    assert not (first.home / "kept").exists()
    assert (first.home / MARK).exists()
