"""The local counterpart of AWS Glue: it runs the deployed scripts on Spark in this process."""
