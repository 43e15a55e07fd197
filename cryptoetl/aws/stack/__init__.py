"""The CloudFormation stack as data, no network: template, changes, state, events, permissions, review."""
