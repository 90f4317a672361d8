"""Whom a test asks: conditions on a visitor's attributes, patterns of addresses.

The language is that of GrowthBook's SDKs (https://docs.growthbook.io/lib/build-your-own,
specification 0.8.0).
"""
