"""Load crypto price and trend files into tables ready for SQL, on AWS or on one machine."""

__version__ = "0.2.0"
