"""Decisions: what is done about each running test, recorded with its evidence."""
