"""What can be wrong with releases."""

from code24.errors import Code24Error


class ReleaseError(Code24Error):
    """A release cannot be read, trusted or written; names the file and the way out."""


class NoReleaseError(ReleaseError):
    """Nothing has been published yet."""
