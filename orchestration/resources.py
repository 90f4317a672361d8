"""What the assets work with; made from one ``Settings``, opened only when used."""

from typing import Any

from code24.settings import Settings
from orchestration.dbt import ResidentDbt
from orchestration.warehouse import Warehouse

__all__ = ["OWNERS", "Warehouse", "resources"]

OWNERS = ("team:code24",)
"""Whom Dagster names as the owner of every asset."""


def resources(settings: Settings) -> dict[str, Any]:
    """Return the resources of the assets, by the names their arguments have."""
    return {
        "settings": settings,
        "warehouse": Warehouse(settings.warehouse),
        "dbt": ResidentDbt(settings),
    }
