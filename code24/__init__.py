"""What every part of Code24 shares: contracts, assignment, log, state, releases."""
