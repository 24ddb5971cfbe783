"""Requests `/api/health`, as the API's users would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from infra.aws import Aws
from infra.errors import InfraError

ATTEMPTS = 24
PAUSE_SECONDS = 5.0
TIMEOUT_SECONDS = 35.0


@dataclass(frozen=True, slots=True)
class Response:
    """`status` is the HTTP status, or 0 if there was no response; `body` then says why."""

    status: int
    body: str


Fetch = Callable[[str, Mapping[str, str]], Response]
"""Takes a URL and the request's headers."""


def fetch(url: str, headers: Mapping[str, str]) -> Response:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - https, made by us
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return Response(response.status, response.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return Response(error.code, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Response(0, str(error))


def check(aws: Aws, url: str, fetch: Fetch, *, auth: str, token: str | None = None) -> Response:
    """Request the health report once, with the token or, if `auth` is "iam", a signature."""
    health_url = f"{url}api/health"
    headers = signed_headers(aws, health_url) if auth == "iam" else _bearer(token)
    return fetch(health_url, headers)


def wait_until_healthy(
    aws: Aws, url: str, fetch: Fetch, *, auth: str = "token", token: str | None = None
) -> dict[str, Any]:
    """Returns the health report once its status is 200. Waits up to two minutes for a new API and
    function; then raises InfraError with the last response."""
    response = Response(0, "")
    for attempt in range(ATTEMPTS):
        if attempt:
            aws.sleep(PAUSE_SECONDS)
        response = check(aws, url, fetch, auth=auth, token=token)
        if response.status == 200:
            report: dict[str, Any] = json.loads(response.body)
            return report
    raise InfraError(
        f"{url}api/health: {response.status or 'no response'}: {response.body[:500]}\n"
        "See the log of the function api_handler (`chalice logs --stage ...`), then run the same"
        " command again."
    )


def signed_headers(aws: Aws, url: str) -> dict[str, str]:
    """Returns headers that identify the caller to API Gateway; valid for five minutes."""
    request = AWSRequest("GET", url)
    SigV4Auth(aws.session.get_credentials(), "execute-api", aws.location.region).add_auth(request)
    return dict(request.headers)


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
