"""The warehouse's SQL and the facts of its tables."""
