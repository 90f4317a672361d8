"""The figures of ``make bench``: one module a group, as the figures are named."""
