"""Twin runs: simulated sites on the real loop, day by day, in a home of their own."""
