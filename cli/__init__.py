"""The ``code24`` command; the only part that may import everything."""
