import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from code24.cookieless import CookielessIds, SaltError

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "salts"


def visitor(ids: CookielessIds, now: datetime, **changes: str) -> str:
    request = {"site_id": "shop", "address": "203.0.113.0", "user_agent": "Firefox"}
    return ids.visitor_id(**{**request, **changes}, now=now)


def test_one_visitor_has_one_id_a_day_and_site(folder: Path) -> None:
    ids = CookielessIds(folder)
    one = visitor(ids, NOON)
    assert re.fullmatch("cl-[0-9a-f]{32}", one)
    assert visitor(ids, NOON + 60 * MINUTE) == one
    elsewhere = NOON.astimezone(timezone(timedelta(hours=13)))
    assert visitor(ids, elsewhere) == one
    others = {
        visitor(ids, NOON, site_id="news"),
        visitor(ids, NOON, address="203.0.114.0"),
        visitor(ids, NOON, user_agent="Safari"),
        visitor(ids, NOON + timedelta(days=1)),
    }
    assert len(others - {one}) == 4


def test_another_process_and_a_restart_make_the_same_ids(folder: Path) -> None:
    assert visitor(CookielessIds(folder), NOON) == visitor(CookielessIds(folder), NOON)


def test_two_homes_never_make_the_same(folder: Path) -> None:
    here, there = CookielessIds(folder), CookielessIds(folder / "other")
    assert visitor(here, NOON) != visitor(there, NOON)


def test_salts_are_private_and_go_after_their_second_day(folder: Path) -> None:
    ids = CookielessIds(folder)
    first = visitor(ids, NOON)
    assert [path.name for path in folder.iterdir()] == ["2026-11-05"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "2026-11-05").stat().st_mode & 0o777 == 0o600
    ids.renew(NOON + timedelta(days=1))
    assert sorted(path.name for path in folder.iterdir()) == [
        "2026-11-05",
        "2026-11-06",
    ]
    ids.renew(NOON + timedelta(days=2))
    assert (folder / "2026-11-05").exists() is False
    assert visitor(CookielessIds(folder), NOON) != first


def test_a_session_over_midnight_keeps_its_id_until_it_pauses(folder: Path) -> None:
    ids = CookielessIds(folder)
    late = visitor(ids, MIDNIGHT - 5 * MINUTE)
    assert visitor(ids, MIDNIGHT + 20 * MINUTE) == late
    assert visitor(ids, MIDNIGHT + 50 * MINUTE) == late
    new = visitor(ids, MIDNIGHT + 81 * MINUTE)
    assert new != late
    assert visitor(ids, MIDNIGHT + 82 * MINUTE) == new


def test_who_paused_before_midnight_is_new_after_it(folder: Path) -> None:
    ids = CookielessIds(folder)
    early = visitor(ids, MIDNIGHT - 29 * MINUTE)
    assert visitor(ids, MIDNIGHT + 2 * MINUTE) != early


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SaltError, match=r"file: no salt can be kept: File exists"):
        visitor(CookielessIds(blocked), NOON)
