"""Settings come from one place, and a wrong one is named."""

from pathlib import Path

import pytest

from code24 import settings as settings_module
from code24.settings import SettingError, load


def test_defaults_lie_below_the_repository() -> None:
    settings = load({})
    assert settings.home == settings_module.PROJECT_ROOT / "data" / "local"
    assert settings.ports.collector == 8401
    assert settings.ports.docs == 8406


def test_every_path_lies_below_the_home(tmp_path: Path) -> None:
    settings = load({"CODE24_HOME": str(tmp_path)})
    for name in ("log", "raw", "warehouse", "releases", "reports", "keys", "docs"):
        assert getattr(settings, name).is_relative_to(tmp_path)
    assert str(tmp_path) in settings.database_url


def test_a_child_process_sees_the_same_settings(tmp_path: Path) -> None:
    settings = load({"CODE24_HOME": str(tmp_path), "CODE24_DOCS_PORT": "9106"})
    assert load(settings.environment()) == settings.__class__(
        home=settings.home,
        reference_data=settings.reference_data,
        state_url=settings.database_url,
        ports=settings.ports,
        raw_compact_files=settings.raw_compact_files,
    )


def test_the_collectors_address_is_its_own_or_what_stands_before_it() -> None:
    assert load({}).collector_address == "http://127.0.0.1:8401"
    given = load({"CODE24_COLLECTOR_URL": "https://collector.example/"})
    assert given.collector_address == "https://collector.example"
    assert load(given.environment()).collector_url == given.collector_url
    for wrong in ("collector.example", "ftp://collector.example", "https://"):
        with pytest.raises(SettingError, match="CODE24_COLLECTOR_URL"):
            load({"CODE24_COLLECTOR_URL": wrong})


@pytest.mark.parametrize("text", ["0", "70000", "http", "-1", "8.5"])
def test_a_wrong_port_is_named(text: str) -> None:
    with pytest.raises(SettingError, match="CODE24_CONSOLE_PORT"):
        load({"CODE24_CONSOLE_PORT": text})


def test_dotenv_gives_way_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "PROJECT_ROOT", tmp_path)
    (tmp_path / ".env").write_text(
        "# ports\nCODE24_DOCS_PORT='9001'\nCODE24_CONSOLE_PORT=9002\n", encoding="utf-8"
    )
    settings = load({"CODE24_CONSOLE_PORT": "9003"})
    assert (settings.ports.docs, settings.ports.console) == (9001, 9003)
