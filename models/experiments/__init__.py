"""A/B tests: sufficient statistics in, one analysis of all tests, verdicts out."""
