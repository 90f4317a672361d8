"""Makes ``data/sample``: ``python -m cli.build_samples``."""
