"""The AWS target: S3, Glue, Step Functions and Redshift, as one CloudFormation stack."""
