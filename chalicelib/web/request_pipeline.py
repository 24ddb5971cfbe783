"""The one way of every request: authorise, parse, handle, shape; and its registration with
Chalice."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

from chalice.app import Blueprint, Chalice, IAMAuthorizer, Response

from chalicelib.errors import OrchestratorError
from chalicelib.utils.logging import bind
from chalicelib.web import page_files
from chalicelib.web.access import authorise
from chalicelib.web.conditional_requests import unchanged
from chalicelib.web.request_parsing import parse
from chalicelib.web.responses import error_response, failure, internal, success
from chalicelib.web.routes import ROUTES, Route

log = logging.getLogger("orchestrator.web")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
DEEPEST_PATH = 12


def register(app: Chalice, *, auth: str = "token") -> None:
    """Give the app every route of the table, and the one error shape for what Chalice itself
    refuses, such as a method that a path does not have. With `auth` "iam", API Gateway lets nobody
    through to any route whom IAM does not."""
    blueprint = Blueprint(__name__)
    authorizer = IAMAuthorizer() if auth == "iam" else None
    for route in ROUTES:
        blueprint.route(
            route.path,
            methods=[route.method, "HEAD"] if route.has_head else [route.method],
            name=route.handler.rpartition(".")[2],
            content_types=[],  # checked in `requests`: Chalice's own refusal has another shape
            authorizer=authorizer,
        )(_view(app, route))
    app.register_blueprint(blueprint)
    page_files.register(app)
    app.register_middleware(shape_refusals, "http")
    app.register_middleware(unchanged, "http")


def answer_unknown_paths(app: Chalice) -> None:
    """Answer paths that are not in the table with 404 in the one error shape, instead of the 403
    that API Gateway, and `chalice local` after it, give. For servers that are no API Gateway."""

    def unknown(**_: str) -> Response:
        path = app.current_request.context.get("path", "") if app.current_request else ""
        return error_response(
            404, "not_found", f"there is no path {path}; GET /api/openapi.json lists all", {}
        )

    for depth in range(1, DEEPEST_PATH + 1):
        path = "".join(f"/{{part{number}}}" for number in range(depth))
        app.route(path, methods=list(METHODS), name="unknown_path", content_types=[])(unknown)
    if "/" not in app.routes:
        app.route("/", methods=list(METHODS), name="unknown_path", content_types=[])(unknown)


def shape_refusals(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice's middleware: what did not come from a route of ours gets our shape."""
    try:
        response = get_response(request)
    except Exception:
        return _unforeseen(_request_id(request))
    body = response.body
    if isinstance(body, dict) and set(body) == {"Code", "Message"}:
        response = _reshaped(request, response)
    if request is not None and request.method == "HEAD":
        response.body = ""  # else the client takes it for the head of its next answer
    return response


def _reshaped(request: Any, response: Response) -> Response:
    if response.status_code == 405:
        allowed = str(response.headers.get("Allow", ""))
        message = f"{request.path} cannot be asked with {request.method}; it takes {allowed}"
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
    """Answer one request. Never raises: what nobody foresaw is logged and answered 500."""
    request_id = _request_id(request)
    with bind(request_id=request_id, **path):
        try:
            caller = authorise(route, request)
            who, role = (caller.name, caller.role) if caller else ("", "")
            call = parse(route, request, path, who=who, role=role)
            return success(_handler(route)(call))
        except OrchestratorError as error:
            if error.status >= 500:
                log.warning("%s %s: %s", route.method, route.path, error.message)
            return failure(error)
        except Exception:
            return _unforeseen(request_id)


def _handler(route: Route) -> Callable[..., Any]:
    module, _, function = route.handler.partition(".")
    found: Callable[..., Any] = getattr(
        import_module(f"chalicelib.web.handlers.{module}"), function
    )
    return found


def _unforeseen(request_id: str) -> Response:
    log.exception("a request failed for a reason that nobody foresaw")
    return internal(request_id)


def _request_id(request: Any) -> str:
    """That of Lambda, by which its own log lines are found."""
    context = getattr(request, "lambda_context", None)
    return getattr(context, "aws_request_id", "") or uuid.uuid4().hex
