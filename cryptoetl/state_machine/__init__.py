"""The state machine: its definition, what is deployed with it, and what its history says."""
