"""boto3 clients, made at first use and once, and the one translation of their errors.

A client may be used by many threads, but making one is not safe in two threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.errors import OrchestratorError, Unavailable

CONFIG = Config(
    connect_timeout=3,
    # Longer than the 20 seconds of a long poll.
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=32,
    # A checksum of our own making adds nothing to TLS and S3's own checks, and costs time per call.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)

_clients: dict[str, Any] = {}
_lock = threading.Lock()


def client(service: str) -> Any:
    """This process's client of `service` ("s3", "sqs")."""
    with _lock:
        if service not in _clients:
            _clients[service] = boto3.client(service, config=CONFIG)
        return _clients[service]


def forget_clients() -> None:
    """Make the next call build new clients: after a fork, or when the endpoint has changed."""
    with _lock:
        _clients.clear()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn boto3's errors into ours. `what` is shown: "S3 bucket `runs`".

    Raises Unavailable where the service did not answer or asked us to come back, and
    OrchestratorError where it refused: a missing bucket, a missing permission.
    """
    try:
        yield
    except ParamValidationError:
        raise
    except ClientError as error:
        raise _from_answer(what, error) from error
    except BotoCoreError as error:
        raise Unavailable(f"{what} does not answer: {error}") from error


_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "RequestTimeout"}


def _from_answer(what: str, error: ClientError) -> OrchestratorError:
    status, code = answer_of(error)
    text = f"{what}: {error.operation_name} answered {code}"
    if status >= 500 or status == 429 or code in _BUSY:
        return Unavailable(f"{text}; try again later")
    reason = error.response.get("Error", {}).get("Message", "")
    return OrchestratorError(
        f"{text}: {reason} Check that it exists in this account and region, and the permissions.",
        code=code,
    )


def answer_of(error: ClientError) -> tuple[int, str]:
    """The HTTP status and the service's own word for the error."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return int(status), str(error.response.get("Error", {}).get("Code", ""))
