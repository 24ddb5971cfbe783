"""Tells whether this process runs on AWS Lambda."""

from __future__ import annotations

from collections.abc import Mapping


def is_lambda(environ: Mapping[str, str]) -> bool:
    """Returns whether the environment is that of a Lambda function."""
    return "AWS_LAMBDA_FUNCTION_NAME" in environ
