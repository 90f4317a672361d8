"""Serves the built manual under ``/`` and the dbt docs under ``/dbt``."""
