"""The account that is worked on: clients made at first use, and time."""

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
from infra.naming import Place


@dataclass(frozen=True)
class Aws:
    """Clients of one region and account. `sleep` takes seconds; `caller` is an ARN."""

    place: Place
    session: Any = field(default_factory=boto3.Session)
    sleep: Callable[[float], None] = time.sleep
    profile: str | None = None
    caller: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """For a program that shall work on the same account with the same credentials."""
        environ = {**os.environ, "AWS_DEFAULT_REGION": self.place.region}
        if self.profile:
            # Keys in the environment would win over a profile that is named there.
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                environ.pop(name, None)
            environ["AWS_PROFILE"] = self.profile
        return environ

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service, region_name=self.place.region)
        return self._clients[service]

    def patient_client(self, service: str) -> Any:
        """For calls that take up to a quarter of an hour, and must not be made twice: another
        client would take the silence for a failure and ask again."""
        name = f"{service}, patient"
        if name not in self._clients:
            patient = Config(
                read_timeout=910, tcp_keepalive=True, retries={"total_max_attempts": 1}
            )
            self._clients[name] = self.session.client(
                service, region_name=self.place.region, config=patient
            )
        return self._clients[name]


def connect(region: str | None = None, profile: str | None = None) -> Aws:
    """The account of the caller's credentials. Raises InfraError where there are none."""
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        if session.region_name is None:
            raise InfraError("no region: pass --region, or set AWS_DEFAULT_REGION")
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise InfraError(
            f"AWS does not know the caller: {error}. Check the credentials"
            " (`aws sts get-caller-identity` must work)."
        ) from error
    place = Place(caller["Arn"].split(":")[1], session.region_name, caller["Account"])
    return Aws(place, session, profile=profile, caller=caller["Arn"])


def code_of(error: ClientError) -> str:
    """The service's own word for the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def is_missing(error: ClientError) -> bool:
    """Whether it says that there is no such thing: every service has its own word for it."""
    return code_of(error) in {
        "404",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFoundException",
        "ResourceNotFoundException",
    }
