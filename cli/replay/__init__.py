"""Replaying dead letters: through the same door again, each at most once."""

from cli.replay.replaying import Group, Summary, Wanted, run_replay

__all__ = ["Group", "Summary", "Wanted", "run_replay"]
