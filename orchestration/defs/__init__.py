"""The assets and checks, one folder a group, named as the database schemas."""
