"""Statistics and machine learning: frames in, frozen results out, seeded."""
