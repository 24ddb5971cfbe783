"""A workflow orchestrator without servers: DAGs of shell commands, run by AWS Lambda."""
