"""The local counterpart of AWS Step Functions: it interprets the deployed state machine."""
