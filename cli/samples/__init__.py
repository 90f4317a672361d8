"""How ``data/sample`` is made from the reference data: ``python -m cli.samples``."""
