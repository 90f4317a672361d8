"""The dbt models: groups ``staging``, ``intermediate`` and ``marts``."""
