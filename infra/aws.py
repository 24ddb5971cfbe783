"""Access to the AWS account: clients created on first use, and errors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError
from infra.names import Location


@dataclass(frozen=True)
class Aws:
    """Clients for one account and region. `sleep` takes seconds; `caller` is an ARN."""

    location: Location
    session: Any = field(default_factory=boto3.Session)
    sleep: Callable[[float], None] = time.sleep
    profile: str | None = None
    caller: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """Returns the environment for a subprocess that uses the same account and credentials."""
        environ = {**os.environ, "AWS_DEFAULT_REGION": self.location.region}
        if self.profile:
            # Access keys in the environment would take precedence over AWS_PROFILE.
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                environ.pop(name, None)
            environ["AWS_PROFILE"] = self.profile
        return environ

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service, region_name=self.location.region)
        return self._clients[service]

    def patient_client(self, service: str) -> Any:
        """Returns a client for calls that take up to 15 minutes and must not be repeated. Other
        clients would time out and retry."""
        name = f"{service}, patient"
        if name not in self._clients:
            patient = Config(
                read_timeout=910, tcp_keepalive=True, retries={"total_max_attempts": 1}
            )
            self._clients[name] = self.session.client(
                service, region_name=self.location.region, config=patient
            )
        return self._clients[name]


def connect(region: str | None = None, profile: str | None = None) -> Aws:
    """Connect with the caller's credentials. Raises InfraError if they or the region are missing
    or invalid."""
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        if session.region_name is None:
            raise InfraError("no region: pass --region, or set AWS_DEFAULT_REGION")
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise InfraError(
            f"cannot sign in to AWS: {error}. Check your credentials:"
            " `aws sts get-caller-identity` must work."
        ) from error
    location = Location(identity["Arn"].split(":")[1], session.region_name, identity["Account"])
    return Aws(location, session, profile=profile, caller=identity["Arn"])


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def is_not_found(error: ClientError) -> bool:
    """Returns whether the resource does not exist. Each service has its own code for it."""
    return error_code(error) in {
        "404",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFoundException",
        "ResourceNotFoundException",
    }
