"""One module for each place that holds visitors' data; a new place is a new module."""
