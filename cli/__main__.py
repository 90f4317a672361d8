"""``python -m cli``: the ``code24`` command."""

from cli.main import main

main()
