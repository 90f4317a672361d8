"""dbt, resident in this process: its parsed project is kept from run to run.

The dbt command takes seconds to start and to parse; a runner that stays takes a
fraction of one. Each invocation opens the warehouse and closes it on leaving.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from code24.errors import Code24Error
from code24.settings import PROJECT_ROOT, Settings
from orchestration.locks import exclusive
from orchestration.warehouse import one_line

PROJECT = PROJECT_ROOT / "dbt_project"
KEEP_OPEN = "CODE24_DBT_KEEP_OPEN"
"""Tells dbt's profile to open the warehouse once an invocation, not once a model."""
_FAILED = frozenset({"error", "fail", "runtime error"})
_INVOKING = threading.Lock()


class DbtError(Code24Error):
    """dbt could not parse the project, or a model or test of it failed."""


class NodeResult(NamedTuple):
    """What became of one model or test."""

    unique_id: str
    status: str
    """``success`` for models, ``pass``, ``warn`` or ``fail`` for tests, ``error``,
    ``skipped``."""
    message: str
    seconds: float
    failures: int
    """Rows that a test found wrong."""

    @property
    def is_failed(self) -> bool:
        """Tell whether this result makes the build fail."""
        return self.status in _FAILED


class ResidentDbt:
    """The dbt project of this repository, run against one home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._manifest: Any = None

    def manifest(self) -> Mapping[str, Any]:
        """Return the project's manifest, building it where absent or outdated.

        Raises:
            DbtError: the project cannot be parsed.
        """
        path = self._settings.dbt_target / "manifest.json"
        with exclusive(path.with_name(".lock")):
            if not path.exists() or path.stat().st_mtime < _last_change():
                self._parse()
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])

    def build(
        self,
        models: Sequence[str] = (),
        tests: Sequence[str] | None = None,
        *,
        with_tests: bool = True,
    ) -> list[NodeResult]:
        """Run these models (all where none is named) and, if asked, their tests.

        A test that looks at a model which is not among them is left out: the two
        are of different moments. Where tests are named, these run and no other.

        Raises:
            DbtError: nothing could be run, such as with a locked warehouse; a model
                or test that failed is among the results instead.
        """
        if self._manifest is None:
            self._parse()
        self._settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        indirect = "cautious" if tests is None else "empty"
        chosen = ["--indirect-selection", indirect, "--select", *models, *(tests or ())]
        left_out = ["unit_test"] if with_tests else ["unit_test", "test"]
        # What dbt would write of itself, a third of a second a time, nobody reads; and
        # it need not list what is in every schema before it looks at a few.
        flags = ["--no-write-json", "--no-populate-cache"]
        flags += ["--exclude-resource-types", *left_out]
        answer = self._invoke("build", *flags, *(chosen if models else ()))
        if answer.result is None:
            raise DbtError(self._reason(answer.exception))
        return [self._node_result(result) for result in answer.result.results]

    def _parse(self) -> None:
        answer = self._invoke("parse")
        if not answer.success:
            raise DbtError(f"{PROJECT}: {self._reason(answer.exception)}")
        self._manifest = answer.result

    def _invoke(self, command: str, *arguments: str) -> Any:
        from dbt.cli.main import dbtRunner  # noqa: PLC0415  two seconds

        target = str(self._settings.dbt_target)
        folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        places = ["--target-path", target, "--log-path", target]
        flags = ["--log-level", "none", "--log-level-file", "none"]
        runner = dbtRunner(manifest=self._manifest)
        with _INVOKING, _environment(self._settings):
            try:
                return runner.invoke([command, *folders, *places, *flags, *arguments])
            finally:
                _close_warehouse()

    def _node_result(self, result: Any) -> NodeResult:
        message = self._reason(result.message) if result.message else ""
        return NodeResult(
            result.node.unique_id,
            str(result.status),
            message,
            result.execution_time,
            result.failures or 0,
        )

    def _reason(self, problem: object) -> str:
        return one_line(self._settings.warehouse, str(problem))


def _close_warehouse() -> None:
    """Leave the file, which dbt holds from model to model and after the last."""
    from dbt.adapters.duckdb.connections import (  # noqa: PLC0415  with dbt itself
        DuckDBConnectionManager,
    )

    held = DuckDBConnectionManager._ENV  # noqa: SLF001  it has no other name
    if held is not None:
        held.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """Show dbt the settings, and keep it from calling home; put all back after."""
    before = dict(os.environ)
    os.environ.update(settings.environment())
    os.environ[KEEP_OPEN] = "True"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _last_change() -> float:
    files = (path for path in PROJECT.rglob("*") if path.suffix in {".sql", ".yml"})
    return max(path.stat().st_mtime for path in files)
