"""AWS Step Functions on this machine."""
