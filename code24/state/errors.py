"""What the shared state refuses, and why."""

from code24.errors import Code24Error


class StateError(Code24Error):
    """The shared state cannot be opened, or a change of it is not allowed."""


class UnavailableError(StateError):
    """The database cannot be read or written now; the change was not made."""


class InvalidError(StateError):
    """What was given can never be stored; asking again later does not help."""


class NotKnownError(StateError):
    """Something was asked for by an id that the shared state does not hold."""
