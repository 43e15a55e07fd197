"""The CloudFormation stack as data: template, changes, permissions, review. No network."""
