"""What this process and the commands know of AWS: the local endpoint and credentials that open
nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

REGION = "us-east-1"
ACCESS_KEY = "local"
SECRET_KEY = "local"  # noqa: S105 - it opens nothing

# Chalice's own marks, which are not about an account.
KEPT = {"AWS_CHALICE_CLI_MODE"}


def aws_variables(endpoint: str) -> dict[str, str]:
    """All that boto3 and the aws CLI look at, so that nothing of the user's account is left to
    find."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        # A profile of the user may name an endpoint, a role or a single sign-on of its own.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def command_variables(endpoint: str) -> dict[str, str]:
    """What commands see of this AWS, and a PATH on which `python3` is the Python that runs this: it
    has boto3, as Lambda's has, also where nobody activated the virtual environment."""
    here, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    return {**aws_variables(endpoint), "PATH": f"{here}{os.pathsep}{path}"}


def forget_the_real_aws(endpoint: str, environ: MutableMapping[str, str] | None = None) -> None:
    """Take every AWS variable out of the environment and put the local ones in."""
    environ = os.environ if environ is None else environ
    for name in [name for name in environ if name.startswith("AWS_") and name not in KEPT]:
        del environ[name]
    environ.update(aws_variables(endpoint))


def upload_line(endpoint: str, bucket: str) -> str:
    """A line for the shell that uploads a DAG file and needs nothing configured."""
    return (
        f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
        f" AWS_DEFAULT_REGION={REGION} aws --endpoint-url {endpoint} s3 cp my.yaml s3://{bucket}/"
    )
