"""The local target: folders, an embedded Spark-compatible engine and DuckDB."""
