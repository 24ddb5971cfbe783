"""Conditional requests: 304 for clients that already have the current response.

The page polls every two seconds, and most responses have not changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from chalice.app import Response


def unchanged(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice middleware: add an ETag to successful GETs; return 304 if the client sent it."""
    response = get_response(request)
    is_read = request is not None and request.method == "GET" and response.status_code == 200
    if not is_read or not isinstance(response.body, dict):
        return response
    text = json.dumps(response.body, separators=(",", ":"))
    etag = response.headers.get("ETag") or _etag_of(text)
    headers = {**response.headers, "ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response("", headers, 304)
    return Response(text, headers)


def _etag_of(text: str) -> str:
    return '"' + hashlib.sha256(text.encode()).hexdigest()[:24] + '"'
