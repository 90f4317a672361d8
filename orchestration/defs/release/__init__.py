"""Release: what is served, built from shared state, signed."""
