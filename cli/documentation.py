"""Builds what the docs server shows: the manual and the dbt docs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cli.output import console
from code24.errors import Code24Error
from code24.settings import PROJECT_ROOT, Settings

DBT_PAGE = "static_index.html"
"""What ``dbt docs generate --static`` writes: one page with everything in it."""


def build_documentation(settings: Settings) -> None:
    """Build the manual and the dbt docs where they are absent or out of date.

    The dbt docs read the warehouse's catalogue, so they wait for the first run.
    """
    if _is_older(settings.docs / "index.html", PROJECT_ROOT / "docs"):
        console.print("Building the manual")
        _build_manual(settings)
    is_built = settings.warehouse.exists()
    pages = settings.docs / "dbt" / "index.html"
    if is_built and _is_older(pages, PROJECT_ROOT / "dbt_project"):
        console.print("Building the dbt docs")
        _build_dbt_docs(settings)


def _is_older(built: Path, sources: Path) -> bool:
    if not built.exists():
        return True
    newest = max(path.stat().st_mtime for path in sources.rglob("*") if path.is_file())
    return built.stat().st_mtime < newest


def _build_manual(settings: Settings) -> None:
    dbt = settings.docs / "dbt"
    kept = dbt.rename(settings.home / "dbt-docs.kept") if dbt.exists() else None
    _command(
        settings,
        (
            *(sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"),
            *("--site-dir", str(settings.docs)),
        ),
    )
    if kept is not None:
        kept.rename(dbt)


def _build_dbt_docs(settings: Settings) -> None:
    project = str(PROJECT_ROOT / "dbt_project")
    _command(
        settings,
        (
            *(str(Path(sys.executable).parent / "dbt"), "--quiet"),
            *("docs", "generate", "--static"),
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", str(settings.dbt_target)),
        ),
    )
    target = settings.docs / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.dbt_target / DBT_PAGE, target / "index.html")


def _command(settings: Settings, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        command,
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise Code24Error(
            f"{Path(command[0]).name} {command[1]}: {lines[-1] if lines else 'failed'}"
        )
