"""The role that commands act as: assumed by STS, or that of the container."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.credentials import ContainerProvider
from botocore.exceptions import BotoCoreError

from chalicelib.aws.clients import client, translated_for_users
from chalicelib.errors import Unavailable
from chalicelib.ports import Clock
from chalicelib.utils.time import utc_now

SESSION = "orchestrator-task"
SESSION_SECONDS = 3600
"""The most that AWS allows where one role assumes another, as a Lambda's role does."""
LEAST_SECONDS = 300.0
MOST_SECONDS = 1800.0
"""Of what a session must still be good for: a session cannot be made for longer than it lasts, and
one that is fetched anew for each command would cost a request each."""


@dataclass(frozen=True, slots=True)
class _Session:
    environ: Mapping[str, str]
    expires_at: datetime


class RoleCredentials:
    """Implements `chalicelib.ports.Credentials` for the role with this ARN. One session serves all
    commands of this process until it has too little time left. `get_client` is called at use."""

    def __init__(
        self,
        role: str,
        now: Clock = utc_now,
        get_client: Callable[[], Any] = lambda: client("sts"),
    ) -> None:
        self._role = role
        self._now = now
        self._get_client = get_client
        self._session: _Session | None = None
        self._lock = threading.Lock()

    def environ(self, seconds: float) -> Mapping[str, str]:
        needed = min(max(seconds, LEAST_SECONDS), MOST_SECONDS)
        with self._lock:
            if self._session is None or self._left(self._session) < needed:
                self._session = self._assume()
            return self._session.environ

    def _left(self, session: _Session) -> float:
        return (session.expires_at - self._now()).total_seconds()

    def _assume(self) -> _Session:
        with translated_for_users(f"role `{self._role}`"):
            sts = self._get_client()
            answer = sts.assume_role(
                RoleArn=self._role, RoleSessionName=SESSION, DurationSeconds=SESSION_SECONDS
            )
        given = answer["Credentials"]
        environ = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            # Without a region most clients refuse to start.
            "AWS_REGION": sts.meta.region_name,
            "AWS_DEFAULT_REGION": sts.meta.region_name,
        }
        return _Session(environ, given["Expiration"])


def container_environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables of the role that the container of this `environ` has, whatever
    credentials are in there, too. Raises Unavailable."""
    try:
        found = ContainerProvider(environ=dict(environ)).load()
    except BotoCoreError as error:
        raise Unavailable(f"the role of the container could not be had: {error}") from error
    if found is None:
        raise Unavailable("this container has no role")
    keys = found.get_frozen_credentials()
    region = environ.get("AWS_REGION", "")
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
