"""Experiments: what the data says of each test."""
