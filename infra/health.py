"""Whether the installation answers, asked as its users would ask."""

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
class Answer:
    """`status` is HTTP's, 0 where nobody answered and `body` says why."""

    status: int
    body: str


Fetch = Callable[[str, Mapping[str, str]], Answer]
"""Takes the URL and the request's headers."""


def fetch(url: str, headers: Mapping[str, str]) -> Answer:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - https, made by us
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return Answer(response.status, response.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Answer(0, str(error))


def ask_once(aws: Aws, url: str, ask: Fetch, *, auth: str, token: str | None = None) -> Answer:
    """What `/api/health` says to who has the token, or, with `auth` "iam", to the caller."""
    asked = f"{url}api/health"
    return ask(asked, signature(aws, asked) if auth == "iam" else _bearer(token))


def wait_until_healthy(
    aws: Aws, url: str, ask: Fetch, *, auth: str = "token", token: str | None = None
) -> dict[str, Any]:
    """The report of a good `/api/health`. A new function and a new API take a while; two minutes
    are given. Raises InfraError with the last answer."""
    answer = Answer(0, "")
    for attempt in range(ATTEMPTS):
        if attempt:
            aws.sleep(PAUSE_SECONDS)
        answer = ask_once(aws, url, ask, auth=auth, token=token)
        if answer.status == 200:
            report: dict[str, Any] = json.loads(answer.body)
            return report
    raise InfraError(
        f"{url}api/health answers {answer.status or 'nothing'}: {answer.body[:500]}\n"
        "Look at the log of the function api_handler (`chalice logs --stage ...`), then run the"
        " same command again."
    )


def signature(aws: Aws, url: str) -> dict[str, str]:
    """The headers that prove to API Gateway who the caller is; good for five minutes."""
    request = AWSRequest("GET", url)
    SigV4Auth(aws.session.get_credentials(), "execute-api", aws.place.region).add_auth(request)
    return dict(request.headers)


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
