"""Raw: the event log as Parquet by received date, and snapshots of shared state."""
