"""What can be brought into Code24: one file a format, found by ``registry``."""
