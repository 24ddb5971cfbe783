"""The AWS environment of this process and of commands: the local endpoint, and credentials that are
worth nothing."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from chalicelib.local.lambda_path import host_path

REGION = "us-east-1"
ACCESS_KEY = "local"
SECRET_KEY = "local"  # noqa: S105 - worth nothing

# Set by Chalice itself; unrelated to an account.
KEPT = {"AWS_CHALICE_CLI_MODE"}


def aws_variables(endpoint: str) -> dict[str, str]:
    """Every variable that boto3 and the AWS CLI read, so that nothing points to the user's
    account."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        # A user's profile may name an endpoint, a role or single sign-on.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def command_variables(endpoint: str) -> dict[str, str]:
    """The AWS variables of commands, and a PATH on which `python3` is this process's Python: it has
    boto3, as on Lambda."""
    return {**aws_variables(endpoint), "PATH": host_path()}


def isolate_from_real_aws(endpoint: str, environ: MutableMapping[str, str] | None = None) -> None:
    """Replace every AWS variable of the environment by the local ones."""
    environ = os.environ if environ is None else environ
    for name in [name for name in environ if name.startswith("AWS_") and name not in KEPT]:
        del environ[name]
    environ.update(aws_variables(endpoint))


def upload_line(endpoint: str, bucket: str) -> str:
    """A shell command that uploads a DAG file and needs no configuration."""
    return (
        f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
        f" AWS_DEFAULT_REGION={REGION} aws --endpoint-url {endpoint} s3 cp my.yaml s3://{bucket}/"
    )
