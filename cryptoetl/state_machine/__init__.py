"""The state machine: its definition, what is deployed with it, and the status of its executions."""
