"""Simulated tests with known truth: what rules of decision do to whole programmes."""
