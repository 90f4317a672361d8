"""Erasing, exporting and keeping no longer: of visitors and of sites."""
