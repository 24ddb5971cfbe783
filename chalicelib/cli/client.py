"""The REST API, as commands use it: JSON in, JSON out, and errors in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from chalicelib.api_version import API_VERSION, API_VERSION_HEADER
from chalicelib.cli.failure import FAILED, UNREACHABLE, USAGE, CliFailure
from chalicelib.cli.profile import Profile

TIMEOUT = urllib3.Timeout(connect=10, read=60)
PAGE = 200
"""Rows asked for at once."""
_RETRIES = urllib3.Retry(
    connect=2,
    read=0,
    redirect=0,
    status=3,
    status_forcelist=(429, 503),
    allowed_methods=None,
    backoff_factor=0.5,
    raise_on_status=False,
    raise_on_redirect=False,
)
"""API Gateway and the API answer 429 and 503 before they have changed anything."""


class ApiError(CliFailure):
    """What the API answered instead of a result."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message, _exit_code(status))
        self.status = status
        self.code = code
        self.details = details


class Client:
    """Talks to one installation."""

    def __init__(self, installation: Profile) -> None:
        self.installation = installation
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=_RETRIES, num_pools=1)

    @property
    def url(self) -> str:
        return self.installation.url

    def get(self, path: str, **query: Any) -> Any:
        """GET a route. `path` begins with `/api`; None in the query is left out."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self.request("POST", path, body=body or {})

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        text: str | None = None,
    ) -> Any:
        """Returns the JSON of the answer, None for an empty one. Raises ApiError, or CliFailure if
        nobody answers."""
        url = f"{self.url}{path}{_query(query or {})}"
        headers, content = {"Accept": "application/json"}, None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        elif text is not None:
            headers["Content-Type"] = "application/yaml"
            content = text.encode()
        return self._answer(self._send(method, url, headers, content))

    def items(self, path: str, key: str, *, limit: int, **query: Any) -> Iterator[Any]:
        """The rows of a list route, page by page, at most `limit`."""
        cursor = None
        while limit > 0:
            page = self.get(path, limit=min(limit, PAGE), cursor=cursor, **query)
            yield from page[key][:limit]
            limit -= len(page[key])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _send(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        if self.installation.auth == "token" and self.installation.token:
            headers["Authorization"] = f"Bearer {self.installation.token}"
        elif self.installation.auth == "iam":
            headers = _signed(method, url, headers, content)
        try:
            return self._pool.request(method, url, headers=headers, body=content)
        except urllib3.exceptions.HTTPError as error:
            raise CliFailure(
                f"{self.url} cannot be reached: {_reason(error)}", UNREACHABLE
            ) from error

    def _answer(self, response: urllib3.BaseHTTPResponse) -> Any:
        version = response.headers.get(API_VERSION_HEADER)
        if version is not None and version != API_VERSION:
            raise CliFailure(
                f"{self.url} speaks version {version} of the API, and this command version"
                f" {API_VERSION}: install the same version of both",
                UNREACHABLE,
            )
        try:
            value = json.loads(response.data) if response.data else None
        except ValueError:
            value = None
            if response.status < 400:
                raise self._stranger(response) from None
        if response.status < 400:
            if version is None:
                raise self._stranger(response)
            return value
        if isinstance(value, dict) and isinstance(value.get("error"), dict):
            error = value["error"]
            raise ApiError(
                response.status, error["code"], _in_words(error), error.get("details") or {}
            )
        raise self._stranger(response, value)

    def _stranger(self, response: urllib3.BaseHTTPResponse, value: Any = None) -> CliFailure:
        """Describe an answer that the API never gives: one of API Gateway, a proxy or another
        program."""
        said = value.get("message") if isinstance(value, dict) else None
        return CliFailure(
            f"{self.url} answered {response.status} {said or response.reason or ''}".rstrip()
            + ": check the URL, and the token or the AWS credentials",
            UNREACHABLE,
        )


def part(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def _query(query: Mapping[str, Any]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
        if value is not None
    }
    # A space as %20: signatures are not made for a plus.
    return f"?{urlencode(given, quote_via=quote)}" if given else ""


def _exit_code(status: int) -> int:
    if status in (401, 403) or status >= 500:
        return UNREACHABLE
    return USAGE if status in (400, 404) else FAILED


def _in_words(error: Mapping[str, Any]) -> str:
    problems = (error.get("details") or {}).get("problems") or []
    lines = [_problem(problem) for problem in problems]
    if len(lines) == 1 and lines[0].strip() == error["message"]:
        lines = []
    return "\n".join([error["message"], *lines])


def _problem(problem: Any) -> str:
    if not isinstance(problem, dict):
        return f"  {problem}"
    at = f"{problem['line']}:{problem.get('column', 1)}: " if "line" in problem else ""
    return f"  {at}{problem.get('message', '')}"


def _reason(error: Exception) -> str:
    """The innermost cause, without the names of classes."""
    while isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        error = error.reason
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is unknown"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "nothing answers there"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it does not answer in time"
    return str(error)


def _signed(
    method: str, url: str, headers: dict[str, str], content: bytes | None
) -> dict[str, str]:
    """The headers with a signature by the AWS credentials of the environment."""
    import botocore.session
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = botocore.session.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise CliFailure(
            "this installation takes signed requests, and there are no AWS credentials: configure"
            " them, or use a token",
            UNREACHABLE,
        )
    host = urlsplit(url).hostname or ""
    parts = host.split(".")
    region = parts[2] if parts[1:2] == ["execute-api"] else session.get_config_variable("region")
    request = AWSRequest(method, url, headers, content)
    SigV4Auth(credentials, "execute-api", region or "us-east-1").add_auth(request)
    return dict(request.headers)
