"""Who asks, and whether that is allowed: before anything else of a request is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib import bootstrap
from chalicelib.enums import AuthMode, Role
from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.web import cross_site
from chalicelib.web.routes import Route


class Request(Protocol):
    """What is used of Chalice's request."""

    headers: Mapping[str, str]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `name` goes into the audit; `role` is viewer or operator."""

    name: str
    role: str


LOCAL = Caller("local", Role.OPERATOR)


def authorise(route: Route, request: Request) -> Caller | None:
    """Who asks; None is a stranger before a route that is open to all. Raises Unauthorized, or
    Forbidden, which names the role that is needed."""
    caller = _identify(request)
    if caller is None:
        if route.is_open:
            return None
        raise Unauthorized(
            "this needs an access token; send it with the header Authorization: Bearer <token>"
        )
    if route.needs == Role.OPERATOR and caller.role != Role.OPERATOR:
        raise Forbidden(
            f"{caller.name} is a {caller.role}, and {route.method} {route.path} needs the role"
            f" {route.needs}; use a token that has it",
            role=caller.role,
            needed=route.needs,
        )
    return caller


def _identify(request: Request) -> Caller | None:
    """By the setting; anything unexpected there demands a token."""
    auth = bootstrap.ports().settings.auth
    if auth == AuthMode.NONE:
        reason = cross_site.refusal(request.headers.items())
        if reason is not None:
            raise Forbidden(reason)
        return LOCAL
    if auth == AuthMode.IAM:
        return _signer(request.context)
    return _bearer(request.headers)


def _bearer(headers: Mapping[str, str]) -> Caller | None:
    header = headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(
            "the Authorization header is of another kind; send Authorization: Bearer <token>"
        )
    from chalicelib.admin import access_tokens

    found = access_tokens.authenticate(bootstrap.scheduler(), token.strip())
    if found is None:
        raise Unauthorized("the access token is unknown or was revoked; ask an operator for one")
    return Caller(*found)


def _signer(context: Mapping[str, Any]) -> Caller | None:
    """API Gateway has checked the signature, and IAM's policies have said who may call what."""
    arn = (context.get("identity") or {}).get("userArn")
    return Caller(str(arn), Role.OPERATOR) if arn else None
