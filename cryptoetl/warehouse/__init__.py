"""What both warehouses share: SQL statements, the read-only check, and the figures that identify a table."""
