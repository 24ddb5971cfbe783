"""The error responses that API Gateway sends without invoking a function."""

from __future__ import annotations

import json

from infra.aws import Aws
from infra.names import API_STAGE

RESPONSES: dict[str, tuple[str, str, str]] = {
    "ACCESS_DENIED": ("403", "forbidden", "IAM denies this request to the caller"),
    "DEFAULT_4XX": ("", "invalid_request", ""),
    "DEFAULT_5XX": ("", "internal", ""),
    "EXPIRED_TOKEN": ("", "forbidden", ""),
    "INTEGRATION_FAILURE": ("504", "unavailable", "the function did not respond; try again"),
    "INTEGRATION_TIMEOUT": ("504", "unavailable", "the function took too long; try again"),
    "INVALID_SIGNATURE": ("", "forbidden", ""),
    "MISSING_AUTHENTICATION_TOKEN": (
        "404",
        "not_found",
        "no such path; GET /api/openapi.json lists them all",
    ),
    "REQUEST_TOO_LARGE": ("413", "invalid_request", "the request is larger than 10 MB"),
    "THROTTLED": ("429", "unavailable", "too many requests; try again"),
}
"""Status, code and message by response type. An empty status or message keeps API Gateway's."""

# API Gateway does not distinguish an unsigned request from an unknown path.
UNSIGNED = ("403", "forbidden", "no such path, or the request is not signed (AWS_IAM)")


def set_gateway_responses(aws: Aws, api: str, *, auth: str) -> None:
    """Give API Gateway's own error responses the JSON shape of the API's errors. Must run after
    every `chalice deploy`, which replaces the whole API."""
    client = aws.client("apigateway")
    for kind, response in RESPONSES.items():
        is_unsigned = auth == "iam" and kind == "MISSING_AUTHENTICATION_TOKEN"
        status, code, message = UNSIGNED if is_unsigned else response
        client.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseTemplates={"application/json": _error(code, message)},
            **({"statusCode": status} if status else {}),
        )
    client.create_deployment(restApiId=api, stageName=API_STAGE)


def _error(code: str, message: str) -> str:
    # API Gateway substitutes the variable with its quotation marks.
    text = json.dumps(message) if message else "$context.error.messageString"
    return f'{{"error": {{"code": "{code}", "message": {text}, "details": {{}}}}}}'
