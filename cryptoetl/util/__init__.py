"""General helpers: files, text, threads, interruptions."""
