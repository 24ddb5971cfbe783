"""`token`, `backup`, `backups` and `restore`: commands for the function `admin`, which can open the
database. Whoever IAM lets invoke it may run all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, is_not_found
from infra.errors import InfraError
from infra.names import ADMIN_FUNCTION, Stage

ATTEMPTS = 12
PAUSE_SECONDS = 10.0

TRANSIENT_ERRORS = frozenset(
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
"""Error codes of invocations that Lambda rejected before the function started."""


def invoke(aws: Aws, stage: Stage, action: str, **fields: Any) -> dict[str, Any]:
    """Returns the function's reply. Retries for two minutes, because AWS takes a while to propagate
    a new role or mount target. Raises InfraError."""
    command = {"action": action, "who": aws.caller, **fields}
    for attempt in range(ATTEMPTS):
        if attempt:
            aws.sleep(PAUSE_SECONDS)
        try:
            return _invoke_once(aws, stage.function(ADMIN_FUNCTION), command)
        except ClientError as error:
            if is_not_found(error):
                raise InfraError(
                    f"function {stage.function(ADMIN_FUNCTION)} does not exist;"
                    f" run `python -m infra deploy --stage {stage.name}`"
                ) from error
            if error_code(error) not in TRANSIENT_ERRORS or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _invoke_once(aws: Aws, function: str, command: Mapping[str, Any]) -> dict[str, Any]:
    response = aws.patient_client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(command).encode()
    )
    reply: dict[str, Any] = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise InfraError(
            f"{function} failed: {reply.get('errorMessage', reply)}\n"
            f"See its log in CloudWatch: /aws/lambda/{function}"
        )
    if "error" in reply:
        raise InfraError(reply["error"]["message"])
    return reply


def sign_in_link(url: str, token: str) -> str:
    """Returns a link that signs a browser in. The token is in the fragment, which browsers never
    send to a server; the page removes it from the address bar."""
    return f"{url}#/signin?token={token}"


def token_lines(tokens: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the table of tokens."""
    yield (
        f"{'name':<32}{'role':<10}{'created':<22}{'last used':<22}{'expires':<22}"
        f"{'revoked':<22}DAGs"
    )
    for token in tokens:
        created, used = _to_second(token["created_at"]), _to_second(token["last_used_at"])
        revoked, expires = _to_second(token["revoked_at"]), _to_second(token.get("expires_at"))
        yield (
            f"{token['name']:<32}{token['role']:<10}{created:<22}{used:<22}{expires:<22}"
            f"{revoked:<22}{token.get('dags') or 'all'}"
        ).rstrip()


def backup_lines(backups: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the table of backups."""
    yield f"{'name':<32}{'taken':<22}{'database':>12}{'compressed':>12}"
    for backup in backups:
        yield (
            f"{backup['name']:<32}{_to_second(backup['taken_at']):<22}"
            f"{backup['size'] / 1e6:>9.1f} MB{backup['stored'] / 1e6:>9.1f} MB"
        )


def restore_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yields what a restore did."""
    yield f"restored {report['backup']}, schema version {report['schema_version']}"
    if report["kept_as"]:
        yield f"the replaced database was kept as {report['kept_as']}"
    if report["lost_commits"] is not None:
        yield f"commits lost since the backup: {report['lost_commits']}"
    if report["active_runs"]:
        yield f"runs that were active: {', '.join(report['active_runs'])}"
    if report["tokens_revoked_again"]:
        yield f"tokens revoked again (revoked since the backup): {report['tokens_revoked_again']}"


def _to_second(time: str | None) -> str:
    return "-" if time is None else f"{time[:19]}Z"
