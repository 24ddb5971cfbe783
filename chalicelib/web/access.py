"""Authentication and authorisation, before anything else of a request is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chalicelib import bootstrap
from chalicelib.enums import AuthMode, Role
from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.web import cross_site
from chalicelib.web.routes import Route


class Request(Protocol):
    """The part of Chalice's request that is used here."""

    headers: Mapping[str, str]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `name` appears in the audit log. `dags` has the patterns of the DAGs that
    the caller is limited to."""

    name: str
    role: str
    dags: str | None = None
    expires_at: datetime | None = None


LOCAL = Caller("local", Role.OPERATOR)


def authorise(route: Route, request: Request) -> Caller | None:
    """The caller; None on an open route without a token. Raises Unauthorized, or Forbidden with the
    role that is needed."""
    caller = _identify(request)
    if caller is None:
        if route.is_open:
            return None
        raise Unauthorized(
            "an access token is required; send it in the header Authorization: Bearer <token>"
        )
    if route.needs == Role.OPERATOR and caller.role != Role.OPERATOR:
        raise Forbidden(
            f"{route.method} {route.path} requires the role {route.needs}, but {caller.name} has"
            f" the role {caller.role}; use a token with the role {route.needs}",
            role=caller.role,
            needed=route.needs,
        )
    return caller


def _identify(request: Request) -> Caller | None:
    """Identify the caller by the setting `auth`; an unknown mode requires a token."""
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
            "the Authorization header is not a bearer token; send Authorization: Bearer <token>"
        )
    from chalicelib.admin import access_tokens

    known = access_tokens.authenticate(bootstrap.scheduler(), token.strip())
    if known is None:
        raise Unauthorized("the access token is unknown; ask an operator for a new one")
    return Caller(known.name, known.role, known.dags, known.expires_at)


def _signer(context: Mapping[str, Any]) -> Caller | None:
    """The caller whose signature API Gateway has verified; IAM policies decide what it may do."""
    arn = (context.get("identity") or {}).get("userArn")
    return Caller(str(arn), Role.OPERATOR) if arn else None
