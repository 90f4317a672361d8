"""The privacy page, over a real control API and a real shared state."""

from datetime import timedelta

import pytest

from code24.settings import Settings
from code24.state import erasures, open_state, retention
from tests.app.console import sample
from tests.app.console.conftest import Open, said
from tests.app.console.operated import NOW, write_state
from tests.app.serving import control_api

PERSON = "ada@shop.example"


@pytest.fixture
def operated(home: Settings) -> Settings:
    sample.write(home.reports)
    write_state(home)
    return home


def begun(settings: Settings, *, is_finished: bool) -> str:
    """Note an erasure with two stores done."""
    with open_state(settings.database_url) as state:
        subject = erasures.subject(state, "corner-shop", PERSON, keys=settings.keys)
        at = NOW if is_finished else NOW + timedelta(hours=1)
        one = erasures.begin(state, subject, actor="officer", now=at)
        found = {"log": {"records": 1234}, "raw": {"rows": 1234, "files": 2}}
        erasures.note_step(state, one.erasure_id, "found", found)
        erasures.note_step(state, one.erasure_id, "log", found["log"])
        if is_finished:
            erasures.finish(state, one.erasure_id, actor="officer", now=NOW)
    return one.erasure_id


def test_without_the_control_api_it_says_so(operated: Settings, visit: Open) -> None:
    assert "does not answer" in said(visit("privacy"))
    assert operated.keys.exists()


def test_before_the_first_erasure_it_says_how(operated: Settings, visit: Open) -> None:
    with control_api(operated):
        app = visit("privacy")
    assert "Nothing was erased yet." in said(app)
    assert app.dataframe[0].value["Kept"].tolist() == ["Until erased"] * 3


def test_receipts_and_days_are_shown_and_no_id(operated: Settings, visit: Open) -> None:
    done = begun(operated, is_finished=True)
    with open_state(operated.database_url) as state:
        retention.set_days(state, "new-site", 395, actor="t", now=NOW)
    begun(operated, is_finished=False)
    with control_api(operated):
        app = visit("privacy")
    assert "1 not finished" in said(app)
    table, _, receipt, kept = (one.value for one in app.dataframe)
    assert table["Status"].tolist() == ["Not finished", "Done"]
    assert table["By"].tolist() == ["officer"] * 2
    assert done in table["Erasure"].tolist()
    assert receipt["Found"].tolist() == ["1,234 records"]
    days = dict(zip(kept["Site"], kept["Kept"], strict=True))
    assert days["new-site"] == "395 days"
    assert PERSON not in said(app)
