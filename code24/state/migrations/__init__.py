"""Revisions of the shared state; a new one also moves ``migrate.HEAD``."""
