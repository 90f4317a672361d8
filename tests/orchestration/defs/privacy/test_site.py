"""Erasing a whole site beside another one."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from code24.contracts.event import DeadLetter
from code24.intake import admit
from code24.releases import Reader
from code24.settings import Settings
from code24.state import StateError, decisions, erasures, experiments, open_state, sites
from orchestration.defs.privacy.erasure import erase
from orchestration.defs.raw.verify import verify
from orchestration.run import run_loop
from tests.orchestration.defs.privacy.searching import places
from tests.orchestration.defs.privacy.visitors import ALICE, sent

NOW = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def other(visited: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a home with a second site, from which the first was erased."""
    home = tmp_path_factory.mktemp("site") / "home"
    shutil.copytree(visited.home, home)
    settings = replace(visited, home=home)
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, "inn", "inn.example", "hotel", ["bookings"], actor="test", now=NOW
        )
        subject = erasures.subject(state, "shop", None, keys=settings.keys)
        erase(settings, state, subject, actor="test")
    return settings


def test_nothing_of_its_visitors_or_content_is_left(other: Settings) -> None:
    assert places(other.home, ALICE) == []
    assert places(other.home, "wins-new-3") == []
    assert sum(verify(other.raw).values()) == 0
    served = Reader(other.releases, other.keys / "verify.pub")
    assert [list(one.sites) for one in served.releases()] == [["inn"]]
    shards = [path.read_text() for path in (other.releases / "shards").iterdir()]
    assert len(shards) == 1


def test_its_decisions_stay_and_its_id_names_no_other(other: Settings) -> None:
    with open_state(other.database_url) as state:
        assert [site.site_id for site in sites.list_sites(state)] == ["inn"]
        assert experiments.list_tests(state) == []
        assert decisions.list_decisions(state)
        with pytest.raises(StateError, match="was erased"):
            sites.add_site(
                state, "shop", "new.example", "hotel", ["sales"], actor="t", now=NOW
            )


def test_the_loop_goes_on_and_nothing_comes_back(other: Settings) -> None:
    assert run_loop(other, lambda _: None).is_success
    with open_state(other.database_url) as state:
        erased = erasures.erased(state)
    outcome = admit(
        sent("anyone", 1, "import"),
        origin="import",
        received_at=datetime.now(UTC),
        source="file:1",
        sites={"inn"},
        erased=erased,
    )
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason.startswith("erased:")
    assert outcome.body == ""


def test_the_site_is_gone_from_every_file_of_events(other: Settings) -> None:
    assert places(other.raw / "events", "shop") == []
    assert places(other.log, '"shop"') == []
