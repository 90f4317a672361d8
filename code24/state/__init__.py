"""The shared state: sites, tests, decisions, jobs, messages, imports, audit.

Every change goes through the functions of this package, so that command line,
control API and worker obey the same rules, and every change is audited in the
transaction that makes it.
"""

from code24.state.errors import (
    InvalidError,
    NotKnownError,
    StateError,
    UnavailableError,
)
from code24.state.store import State, open_state

__all__ = [
    "InvalidError",
    "NotKnownError",
    "State",
    "StateError",
    "UnavailableError",
    "open_state",
]
