"""`token`, `backup`, `backups`, `restore`: asked of the function `admin`, which is in the
database's network. Whoever IAM lets invoke it may do all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, code_of, is_missing
from infra.errors import InfraError
from infra.naming import ADMIN_FUNCTION, Stage

ATTEMPTS = 12
PAUSE_SECONDS = 10.0

NOT_YET = frozenset(
    {
        "EC2AccessDeniedException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSIOException",
        "EFSMountConnectivityException",
        "EFSMountFailureException",
        "EFSMountTimeoutException",
        "ENINotReadyException",
        "KMSAccessDeniedException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "TooManyRequestsException",
    }
)
"""How Lambda refuses an invocation before the function has begun."""


def ask(aws: Aws, stage: Stage, do: str, **fields: Any) -> dict[str, Any]:
    """The function's answer. A new role, or a new mount, takes a while to work everywhere; two
    minutes are given. Raises InfraError."""
    command = {"action": do, "who": aws.caller, **fields}
    for attempt in range(ATTEMPTS):
        if attempt:
            aws.sleep(PAUSE_SECONDS)
        try:
            return _invoke(aws, stage.function(ADMIN_FUNCTION), command)
        except ClientError as error:
            if is_missing(error):
                raise InfraError(
                    f"there is no function {stage.function(ADMIN_FUNCTION)};"
                    f" run `python -m infra deploy --stage {stage.name}`"
                ) from error
            if code_of(error) not in NOT_YET or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _invoke(aws: Aws, function: str, command: Mapping[str, Any]) -> dict[str, Any]:
    answer = aws.patient_client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(command).encode()
    )
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise InfraError(
            f"{function} failed: {told.get('errorMessage', told)}\n"
            f"Its log, /aws/lambda/{function} in CloudWatch, says more."
        )
    if "error" in told:
        raise InfraError(told["error"]["message"])
    return told


def sign_in_link(url: str, token: str) -> str:
    """Signs a browser in. The token stands in the fragment, which is sent to no server; the page
    takes it out of the address at once."""
    return f"{url}#/signin?token={token}"


def token_lines(tokens: list[dict[str, Any]]) -> Iterator[str]:
    """The list of tokens as a table."""
    yield f"{'name':<32}{'role':<10}{'made':<22}{'last used':<22}revoked"
    for token in tokens:
        made, used = _second(token["created_at"]), _second(token["last_used_at"])
        revoked = _second(token["revoked_at"])
        yield f"{token['name']:<32}{token['role']:<10}{made:<22}{used:<22}{revoked}"


def backup_lines(backups: list[dict[str, Any]]) -> Iterator[str]:
    """The list of backups as a table."""
    yield f"{'name':<32}{'taken':<22}{'database':>12}{'stored':>12}"
    for one in backups:
        yield (
            f"{one['name']:<32}{_second(one['taken_at']):<22}"
            f"{one['size'] / 1e6:>9.1f} MB{one['stored'] / 1e6:>9.1f} MB"
        )


def restored_lines(done: Mapping[str, Any]) -> Iterator[str]:
    """What a restore did, for who asked for it."""
    yield f"restored {done['backup']}, schema version {done['schema_version']}"
    if done["kept_as"]:
        yield f"the replaced database is kept beside it, as {done['kept_as']}"
    if done["lost_commits"] is not None:
        yield f"{done['lost_commits']} later commits are not in it"
    if done["active_runs"]:
        yield f"runs that were active: {', '.join(done['active_runs'])}"
    if done["tokens_revoked_again"]:
        yield f"{done['tokens_revoked_again']} tokens, revoked since, were revoked again"


def _second(moment: str | None) -> str:
    return "-" if moment is None else f"{moment[:19]}Z"
