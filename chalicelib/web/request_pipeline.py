"""The path of every request: authorise, parse, handle, respond. Registers routes with Chalice."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from chalice.app import Blueprint, Chalice, IAMAuthorizer, Response

from chalicelib.errors import OrchestratorError
from chalicelib.utils.logging import bind
from chalicelib.web import page_files
from chalicelib.web.access import Caller, authorise
from chalicelib.web.conditional_requests import unchanged
from chalicelib.web.dag_limits import check_reach, limited_to
from chalicelib.web.request_parsing import parse
from chalicelib.web.responses import error_response, failure, internal, success
from chalicelib.web.routes import ROUTES, Route

log = logging.getLogger("orchestrator.web")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
DEEPEST_PATH = 12


def register(app: Chalice, *, auth: str = "token") -> None:
    """Register every route with the app, and give errors of Chalice itself our shape, such as 405.
    With `auth` "iam", API Gateway admits only callers that IAM allows."""
    blueprint = Blueprint(__name__)
    authorizer = IAMAuthorizer() if auth == "iam" else None
    for route in ROUTES:
        blueprint.route(
            route.path,
            methods=[route.method, "HEAD"] if route.has_head else [route.method],
            name=route.handler.rpartition(".")[2],
            content_types=[],  # `request_parsing` checks it, with an error in our shape
            authorizer=authorizer,
        )(_view(app, route))
    app.register_blueprint(blueprint)
    page_files.register(app)
    app.register_middleware(shape_refusals, "http")
    app.register_middleware(unchanged, "http")


def answer_unknown_paths(app: Chalice) -> None:
    """Return 404 for unknown paths, not the 403 of `chalice local`. Useless on API Gateway, which
    does not let these requests through."""

    def unknown(**_: str) -> Response:
        path = app.current_request.context.get("path", "") if app.current_request else ""
        return error_response(
            404, "not_found", f"there is no path {path}; GET /api/openapi.json lists all paths", {}
        )

    for depth in range(1, DEEPEST_PATH + 1):
        path = "".join(f"/{{part{number}}}" for number in range(depth))
        app.route(path, methods=list(METHODS), name="unknown_path", content_types=[])(unknown)
    if "/" not in app.routes:
        app.route("/", methods=list(METHODS), name="unknown_path", content_types=[])(unknown)


def shape_refusals(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice middleware: give errors that Chalice itself raised our shape."""
    try:
        response = get_response(request)
    except Exception:
        return _unexpected_error(_request_id(request))
    body = response.body
    if isinstance(body, dict) and set(body) == {"Code", "Message"}:
        response = _reshaped(request, response)
    if request is not None and request.method == "HEAD":
        response.body = ""  # else the client reads it as the start of the next response
    return response


def _reshaped(request: Any, response: Response) -> Response:
    if response.status_code == 405:
        allowed = str(response.headers.get("Allow", ""))
        message = f"{request.path} does not support {request.method}; use {allowed}"
        headers = {"Allow": allowed}
        return error_response(405, "method_not_allowed", message, {}, headers)
    if response.status_code < 500:
        code = "invalid_request"
        return error_response(response.status_code, code, str(response.body["Message"]), {})
    return internal(_request_id(request))


def _view(app: Chalice, route: Route) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return handle(route, app.current_request, path)

    return view


def handle(route: Route, request: Any, path: dict[str, str]) -> Response:
    """Return the response to a request. Never raises: unexpected errors are logged, and become
    500."""
    request_id = _request_id(request)
    with bind(request_id=request_id, **path):
        try:
            caller = authorise(route, request)
            call = replace(parse(route, request, path), **_about(caller))
            with limited_to(call.dags):
                check_reach(route, call)
                return success(_handler(route)(call))
        except OrchestratorError as error:
            if error.status >= 500:
                log.warning("%s %s: %s", route.method, route.path, error.message)
            return failure(error)
        except Exception:
            return _unexpected_error(request_id)


def _about(caller: Caller | None) -> dict[str, Any]:
    if caller is None:
        return {}
    return {
        "who": caller.name,
        "role": caller.role,
        "dags": caller.dags,
        "token_expires_at": caller.expires_at,
    }


def _handler(route: Route) -> Callable[..., Any]:
    module, _, function = route.handler.partition(".")
    handler: Callable[..., Any] = getattr(
        import_module(f"chalicelib.web.handlers.{module}"), function
    )
    return handler


def _unexpected_error(request_id: str) -> Response:
    log.exception("unexpected error in a request")
    return internal(request_id)


def _request_id(request: Any) -> str:
    """Lambda's request id, which its own log lines carry; a random one elsewhere."""
    context = getattr(request, "lambda_context", None)
    return getattr(context, "aws_request_id", "") or uuid.uuid4().hex
