"""Which importers there are: every module of this package that has ``IMPORTER``."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import cast

import cli.importers
from cli.importers import lines
from cli.importers.importer import Importer, ImportFileError
from cli.importers.objects import ONE_ARRAY


@cache
def importers() -> dict[str, Importer]:
    """Return every importer by its name."""
    names = (module.name for module in pkgutil.iter_modules(cli.importers.__path__))
    modules = (importlib.import_module(f"{cli.importers.__name__}.{n}") for n in names)
    found = (getattr(module, "IMPORTER", None) for module in modules)
    listed = [cast("Importer", importer) for importer in found if importer is not None]
    return {importer.name: importer for importer in listed}


def named(name: str) -> Importer:
    """Return the importer of that name.

    Raises:
        ImportFileError: there is none; lists those there are.
    """
    found = importers().get(name)
    if found is None:
        known = ", ".join(formats())
        raise ImportFileError(f"format {name!r}: must be one of {known}")
    return found


def formats() -> list[str]:
    """Return the names that ``--format`` takes."""
    return sorted(importers())


def matched(path: Path, format_name: str | None) -> list[tuple[Importer, Path]]:
    """Return each file to be read with its importer; a folder's in order of name.

    Of a folder, only files that look like a format are taken.

    Raises:
        ImportFileError: the path is absent, there is no such format, or nothing (or
            more than one format) recognises the file.
    """
    if not path.exists():
        raise ImportFileError(f"{path}: there is no such file or folder")
    if not path.is_file() and not path.is_dir():
        raise ImportFileError(f"{path}: is no regular file; save it as one first")
    candidates = (
        sorted(importers().values(), key=lambda importer: importer.name)
        if format_name is None
        else [named(format_name)]
    )
    if path.is_file():
        lines.check(path)
    if path.is_file() and format_name is not None:
        return [(candidates[0], path)]
    files = (
        [path] if path.is_file() else sorted(f for f in path.iterdir() if f.is_file())
    )
    found = [(i, file) for file in files for i in candidates if i.sniff(file)]
    if len({file for _, file in found}) < len(found) or not found:
        raise ImportFileError(_unmatched(path, [i.name for i, _ in found]))
    return found


def _unmatched(path: Path, names: list[str]) -> str:
    if names:
        return f"{path}: could be any of {', '.join(sorted(set(names)))}: add --format"
    if path.is_dir():
        return f"{path}: no file in it is of a known format: {', '.join(formats())}"
    found = lines.head(path, 1)
    if not found:
        return f"{path}: is empty, or nothing of it can be read"
    if found[0].lstrip().startswith(b"["):
        return f"{path}: {ONE_ARRAY}"
    return (
        f"{path}: nothing in it is of a known format (whole and readable); add "
        f"--format, one of {', '.join(formats())}"
    )
