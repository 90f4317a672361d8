"""Whose data an event is, what was erased, and how long events are kept."""
