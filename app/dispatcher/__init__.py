"""Serves what is released to clients that exist; its one source is the release."""
