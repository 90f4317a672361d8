"""What finished tests teach about the size of effects before a test has data."""
