"""Versions of the reports: named by their content, swapped at once, the last kept."""

import shutil
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import polars as pl

from orchestration.defs.raw.files import sync, write_whole

KEPT_VERSIONS = 5
"""So that a reader in the middle of one still finds its files when new ones come."""


class Published(NamedTuple):
    """The version that is served, and whether this call made it so."""

    version: str
    is_new: bool


def publish_reports(folder: Path, frames: Mapping[str, pl.DataFrame]) -> Published:
    """Serve these frames; equal frames have an equal version and change nothing.

    A version whose files were lost or damaged on disk is written again.
    """
    files = {name: _parquet(frame) for name, frame in sorted(frames.items())}
    version = _version(files)
    current = folder / "CURRENT"
    is_served = current.exists() and current.read_bytes() == version.encode()
    is_whole = _is_whole(folder / version, files)
    if is_served and is_whole:
        return Published(version, is_new=False)
    if not is_whole:
        _write_version(folder / version, files)
    write_whole(current, lambda path: _write(path, version.encode()))
    _prune(folder, version)
    return Published(version, is_new=True)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _version(files: Mapping[str, bytes]) -> str:
    """Return the digest of names and contents, 16 hexadecimal characters."""
    whole = sha256()
    for name, content in files.items():
        whole.update(name.encode() + sha256(content).digest())
    return whole.hexdigest()[:16]


def _is_whole(place: Path, files: Mapping[str, bytes]) -> bool:
    paths = {place / f"{name}.parquet": content for name, content in files.items()}
    return all(
        path.is_file() and path.read_bytes() == content
        for path, content in paths.items()
    )


def _write_version(place: Path, files: Mapping[str, bytes]) -> None:
    """Write the folder beside its place, then put it there whole."""
    temporary = place.with_name(f"{place.name}.tmp")
    for spare in (temporary, place):
        if spare.exists():
            shutil.rmtree(spare)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        path = temporary / f"{name}.parquet"
        path.write_bytes(content)
        sync(path)
    sync(temporary)
    temporary.rename(place)
    sync(place.parent)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _prune(folder: Path, served: str) -> None:
    versions = [path for path in folder.iterdir() if path.is_dir()]
    versions.sort(key=lambda path: (path.name == served, path.stat().st_mtime_ns))
    for path in versions[:-KEPT_VERSIONS]:
        shutil.rmtree(path)
