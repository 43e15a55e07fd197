"""Helpers that know nothing of cryptocurrencies."""
