"""Whether the installation answers, asked as its users would ask."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


Fetch = Callable[[str], Answer]


def fetch(url: str) -> Answer:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - https, made by us
            return Answer(response.status, response.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Answer(0, str(error))


def wait_until_healthy(aws: Aws, url: str, ask: Fetch) -> dict[str, Any]:
    """What `/api/health` says. A new function and a new API take a while; two minutes are given.
    Raises InfraError with the last answer."""
    answer = Answer(0, "")
    for attempt in range(ATTEMPTS):
        if attempt:
            aws.sleep(PAUSE_SECONDS)
        answer = ask(f"{url}api/health")
        if answer.status == 200:
            report: dict[str, Any] = json.loads(answer.body)
            return report
    raise InfraError(
        f"{url}api/health answers {answer.status or 'nothing'}: {answer.body[:500]}\n"
        "Look at the log of the function api_handler (`chalice logs --stage ...`), then run the"
        " same command again."
    )
