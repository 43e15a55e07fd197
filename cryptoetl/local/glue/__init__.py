"""AWS Glue on this machine."""
