"""The processes that serve; each imports ``code24`` only."""
