"""Amazon Redshift on this machine: DuckDB."""
