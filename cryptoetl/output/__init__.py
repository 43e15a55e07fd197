"""Everything that is printed or drawn: tables, progress, JSON, plots."""
