from pathlib import Path

import polars as pl
import pytest

from orchestration.defs.reports.store import KEPT_VERSIONS, publish_reports


def frames(number: int) -> dict[str, pl.DataFrame]:
    return {"sites": pl.DataFrame({"n": [number]}), "tests": pl.DataFrame({"x": ["a"]})}


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def versions(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_equal_frames_have_one_version_and_change_nothing(tmp_path: Path) -> None:
    first = publish_reports(tmp_path, frames(1))
    written = (tmp_path / "CURRENT").stat().st_mtime_ns

    again = publish_reports(tmp_path, dict(reversed(frames(1).items())))

    assert first.is_new
    assert not again.is_new
    assert again.version == first.version
    assert (tmp_path / "CURRENT").stat().st_mtime_ns == written
    assert pl.read_parquet(tmp_path / first.version / "sites.parquet")["n"].item() == 1


def test_a_content_that_comes_back_is_served_again(tmp_path: Path) -> None:
    first = publish_reports(tmp_path, frames(1))
    second = publish_reports(tmp_path, frames(2))
    back = publish_reports(tmp_path, frames(1))
    assert back.is_new
    assert back.version == first.version != second.version
    assert (tmp_path / "CURRENT").read_text() == first.version


def test_the_last_versions_are_kept_and_the_served_one_among_them(
    tmp_path: Path,
) -> None:
    published = [publish_reports(tmp_path, frames(n)).version for n in range(8)]
    assert versions(tmp_path) == set(published[-KEPT_VERSIONS:])


@pytest.mark.parametrize("name", ["sites.parquet", "CURRENT"])
@pytest.mark.parametrize("content", [None, b"", b"\xff damaged"])
def test_what_was_damaged_or_lost_is_written_again(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    first = publish_reports(tmp_path, frames(1))
    path = tmp_path / ("" if name == "CURRENT" else first.version) / name
    path.unlink() if content is None else path.write_bytes(content)

    again = publish_reports(tmp_path, frames(1))

    assert again.is_new
    assert (tmp_path / "CURRENT").read_text() == again.version == first.version
    assert pl.read_parquet(tmp_path / first.version / "sites.parquet")["n"].item() == 1


@pytest.mark.parametrize("step", ["rename", "replace"])
def test_killed_while_publishing_the_old_version_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = publish_reports(tmp_path, frames(1)).version
    with monkeypatch.context() as patched:
        patched.setattr(Path, step, killed)
        with pytest.raises(KeyboardInterrupt):
            publish_reports(tmp_path, frames(2))
    assert (tmp_path / "CURRENT").read_text() == first
    assert pl.read_parquet(tmp_path / first / "sites.parquet")["n"].item() == 1

    assert publish_reports(tmp_path, frames(2)).is_new
    assert not [name for name in versions(tmp_path) if name.endswith(".tmp")]
