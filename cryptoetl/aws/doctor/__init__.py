"""Diagnoses of an account: what can be known before and between deploys without changing anything."""
