"""Which stores there are: every module of ``stores`` that has ``STORE``."""

import importlib
import pkgutil
from functools import cache

from orchestration.defs.privacy import stores
from orchestration.defs.privacy.store import Store


@cache
def all_stores() -> tuple[Store, ...]:
    """Return every store, in the order of erasing."""
    names = (module.name for module in pkgutil.iter_modules(stores.__path__))
    modules = (importlib.import_module(f"{stores.__name__}.{name}") for name in names)
    found: list[Store] = [module.STORE for module in modules]
    return tuple(sorted(found, key=lambda store: store.rank))
