"""boto3 clients, created once at first use, and the translation of their errors.

A client may be used by many threads, but making one is not safe in two threads at once.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from chalicelib.errors import InvalidRequest, OrchestratorError, Unavailable
from chalicelib.utils.lambda_env import is_lambda

log = logging.getLogger("orchestrator.aws")

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

# What a command waits for before it can start: none of it is a long poll.
QUICK = CONFIG.merge(Config(read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}))
_QUICK_SERVICES = frozenset({"dynamodb", "ssm", "secretsmanager", "sts", "sns"})

# Else a URL is signed with Signature Version 2 in some regions, which others refuse.
_S3 = CONFIG.merge(Config(signature_version="s3v4"))

_clients: dict[tuple[str, str], Any] = {}
_lock = threading.Lock()


def client(service: str, region: str = "") -> Any:
    """This process's client of `service` ("s3", "sqs"), in `region` or where the process runs."""
    config = QUICK if service in _QUICK_SERVICES else _S3 if service == "s3" else CONFIG
    with _lock:
        if (service, region) not in _clients:
            if not _clients:  # it is the runtime's, and changes without a deployment
                log.info("botocore %s", botocore.__version__)
            new_client = boto3.client(service, region_name=region or None, config=config)
            _clients[service, region] = new_client
        return _clients[service, region]


def client_as(service: str, environ: Mapping[str, str]) -> Any:
    """A client that acts with the credentials in these variables, as a command would."""
    return boto3.Session().client(
        service,
        region_name=environ.get("AWS_REGION"),
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environ.get("AWS_SESSION_TOKEN"),
        config=CONFIG,
    )


def address_family(environ: Mapping[str, str]) -> socket.AddressFamily:
    """The addresses to connect to. The names of dual-stack endpoints have both kinds, IPv4's first;
    from a VPC that has only an IPv6 way out each of those would cost `connect_timeout`."""
    is_ipv6 = environ.get("AWS_USE_DUALSTACK_ENDPOINT", "").lower() == "true"
    return socket.AF_INET6 if is_ipv6 and is_lambda(environ) else socket.AF_UNSPEC


def _use_address_family(family: socket.AddressFamily) -> None:
    # botocore has no setting for it; urllib3 asks this function before each connection.
    from urllib3.util import connection

    connection.allowed_gai_family = lambda: family


if (_family := address_family(os.environ)) is not socket.AF_UNSPEC:
    _use_address_family(_family)


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
    except _MISCONFIGURED as error:
        raise OrchestratorError(f"{what} cannot be asked: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"{what} does not answer: {error}") from error


@contextmanager
def translated_for_users(what: str) -> Iterator[None]:
    """Translate errors of calls whose names or ARNs come from users: one that botocore refuses to
    send is an InvalidRequest."""
    try:
        with translated(what):
            yield
    except ParamValidationError as error:
        raise InvalidRequest(f"{what}: {error}") from error


_BUSY = re.compile(
    "SlowDown|.*Throttl.*|TooManyRequests.*|Request(LimitExceeded|Timeout)|RequestTimeoutException"
    "|ProvisionedThroughputExceededException|Service(Unavailable|UnavailableException)"
)
"""What AWS's services say where asking later helps, whatever the HTTP status."""
_MISCONFIGURED = (NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound)
"""The errors of boto3 itself that asking later does not help against."""


def _from_answer(what: str, error: ClientError) -> OrchestratorError:
    status, code = answer_of(error)
    text = f"{what}: {error.operation_name} answered {code}"
    if status >= 500 or status == 429 or _BUSY.fullmatch(code):
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
