"""Reports: what the console shows, as one version of Parquet files."""
