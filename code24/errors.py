"""The base of every error that a user is told of in one line."""


class Code24Error(Exception):
    """Names the thing, its value and the way out; commands exit with status 1."""
