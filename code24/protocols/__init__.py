"""Other tools' events as native ones, the same for the live door and for importers."""
