"""Conditional reads: whoever shows the last answer still, is told that nothing has changed.

The page asks every two seconds; most answers are the same as before, and need not be sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from chalice.app import Response


def unchanged(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice's middleware: GETs that succeed carry an ETag, and answer 304 to who has it."""
    response = get_response(request)
    is_read = request is not None and request.method == "GET" and response.status_code == 200
    if not is_read or not isinstance(response.body, dict):
        return response
    text = json.dumps(response.body, separators=(",", ":"))
    etag = '"' + hashlib.sha256(text.encode()).hexdigest()[:24] + '"'
    headers = {**response.headers, "ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response("", headers, 304)
    return Response(text, headers)
