"""What the assets work with; made from one ``Settings``, opened only when used."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg

from code24.settings import Settings
from orchestration.dbt import ResidentDbt
from orchestration.locks import exclusive
from orchestration.warehouse import Warehouse

__all__ = ["OWNERS", "Warehouse", "resources"]

OWNERS = ("team:code24",)
"""Whom Dagster names as the owner of every asset."""


def resources(settings: Settings) -> dict[str, Any]:
    """Return the resources of the assets, by the names their arguments have."""
    return {
        "settings": settings,
        "warehouse": _warehouse(settings),
        "dbt": ResidentDbt(settings),
    }


def turn(settings: Settings) -> AbstractContextManager[None]:
    """Keep every other run from raw files and warehouse; wait for one under way."""
    return exclusive(settings.warehouse.with_name("turn.lock"))


def _warehouse(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="The warehouse, held for the whole of a run.")
    def warehouse(_context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Let one run at a time work on raw files and warehouse; the next one waits.

        The pool alone would let two runs take turns step by step, and a step that
        waits for a pool asks once a second and keeps a processor busy until then:
        two runs of five seconds took a minute. It also stays closed when its holder
        is killed, which this does not.
        """
        with turn(settings), Warehouse(settings.warehouse).keeping_open() as held:
            yield held

    return warehouse
