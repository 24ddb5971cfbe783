"""Decides how long claims on S3 count after the claims have moved to DynamoDB.

Version 0.1.0 kept claims in the runs bucket. While such code may still run, and while messages of
attempts that it claimed may still be delivered, an attempt must be claimed in both stores. That
ends by itself: the functions compare the time with their clock, and the first deployment afterwards
removes the setting and the permissions.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from chalicelib.config import PREFIX
from infra.aws import Aws, is_not_found
from infra.functions import FUNCTIONS
from infra.names import Stage

TRANSITION = timedelta(days=7)
"""A message is sent for the last time six hours after its attempt was due, and the queue keeps it
for four days."""

_TABLE = PREFIX + "CLAIMS_TABLE"
_UNTIL = PREFIX + "CLAIMS_ON_S3_UNTIL"


def on_s3_until(aws: Aws, stage: Stage, now: datetime) -> str:
    """Returns until when claims on S3 count, "" if there are none, given the functions that are
    deployed now. One that does not know the table yet may claim on S3 until it is replaced."""
    settings = [env for f in FUNCTIONS if (env := _environment(aws, stage, f.name)) is not None]
    if not all(_TABLE in env for env in settings):
        return (now + TRANSITION).isoformat(timespec="seconds")
    until = max((env.get(_UNTIL, "") for env in settings), default="")
    return until if until and datetime.fromisoformat(until) > now else ""


def _environment(aws: Aws, stage: Stage, name: str) -> dict[str, str] | None:
    """Returns the function's environment variables, None if there is no such function."""
    try:
        function = aws.client("lambda").get_function_configuration(
            FunctionName=stage.function(name)
        )
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return variables
