"""Dagster: read, call ``models``, write, return metadata; the only wiring."""
