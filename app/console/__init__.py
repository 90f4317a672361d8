"""The operator console: what is run, what was tested, what was decided and why.

It reads the release, the reports and the control API, and writes through the
control API alone. Start it with ``python -m app.console``.
"""
