"""From crypto price and trend files to tables ready for SQL, on AWS or on one machine."""

__version__ = "0.1.0"
