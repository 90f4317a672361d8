"""The parts of a test's page, each by what it shows."""
