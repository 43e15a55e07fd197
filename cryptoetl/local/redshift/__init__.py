"""The local counterpart of Amazon Redshift: a DuckDB file."""
