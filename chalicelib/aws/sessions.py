"""The sessions of sidecars, made and recognized by STS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from chalicelib.aws.clients import client, translated
from chalicelib.errors import Forbidden
from chalicelib.fargate.session_policy import session_policy
from chalicelib.messages import Attempt

SESSION_SECONDS = 3600
"""The most that AWS allows where one role assumes another, as a Lambda's role does."""
_STS = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")
_ARN = re.compile(r"<Arn>arn:[a-z-]+:sts::(\d+):assumed-role/([^/<]+)/([^/<]+)</Arn>")


def fetch(url: str) -> str:
    """Return the body of the answer."""
    answer = urllib3.PoolManager().request("GET", url, timeout=10.0, retries=2, redirect=False)
    return answer.data.decode("utf-8", "replace")


class SidecarSessions:
    """Implements `chalicelib.fargate.launch.Sessions` for the role with this ARN."""

    def __init__(
        self,
        role: str,
        runs_bucket: str,
        get_client: Callable[[], Any] = lambda: client("sts"),
        fetch: Callable[[str], str] = fetch,
    ) -> None:
        self._role = role
        self._bucket = f"{role.split(':iam:')[0]}:s3:::{runs_bucket}"
        self._get_client = get_client
        self._fetch = fetch

    def environ(self, attempt: Attempt, name: str) -> Mapping[str, str]:
        with translated(f"role `{self._role}`"):
            made = self._get_client().assume_role(
                RoleArn=self._role,
                RoleSessionName=name,
                DurationSeconds=SESSION_SECONDS,
                Policy=session_policy(attempt, self._bucket),
            )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["SessionToken"],
        }

    def name_of(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or not _STS.fullmatch(parts.hostname or ""):
            raise Forbidden("a session is renewed with a presigned request to STS")
        actions = [item for item in parts.query.split("&") if item.startswith("Action=")]
        if actions != ["Action=GetCallerIdentity"]:
            raise Forbidden("a session is renewed with a presigned GetCallerIdentity")
        match = _ARN.search(self._fetch(url))
        role = self._role.split(":role/")
        account = role[0].rsplit(":", 1)[1]
        if match is None or (match[1], match[2]) != (account, role[1]):
            raise Forbidden("this is no session of a sidecar")
        return match[3]
