"""The DAG files that are uploaded."""

from __future__ import annotations

from pathlib import Path

GREETING = """
name: Greeting
tasks:
  - id: greet
    command: echo "greetings from $TASK_ID"
  - id: count
    command: echo "number $((6 * 7))"
    dependencies: greet
"""

BY_THE_CLOCK = """
name: By the clock
schedule: "@every 10s"
tasks:
  - id: work
    command: "true"
"""

LONG = """
name: Long
tasks:
  - id: wait
    command: echo waiting; sleep 3000
"""


def with_secrets(topic: str) -> str:
    return f"""
name: With secrets
secrets:
  WORD: secretsmanager:orchestrator/dev/word
  PARAMETER: ssm:/orchestrator/dev/parameter
on_success:
  - sns: {topic}
tasks:
  - id: use
    command: test "$PARAMETER" = shush-shush && echo "the word is $WORD"
"""


def with_task_role(python: Path, endpoint: str, certificates: str) -> str:
    """What `aws` would do, by boto3; commands are told nothing of the emulator but by their DAG."""
    return f"""
name: With task role
env:
  AWS_ENDPOINT_URL: {endpoint}
  AWS_CA_BUNDLE: {certificates}
tasks:
  - id: look
    command: |
      {python} - <<'END'
      import boto3
      print(boto3.client("sts").get_caller_identity()["Arn"])
      print(len(boto3.client("s3").list_buckets()["Buckets"]), "buckets")
      END
"""
