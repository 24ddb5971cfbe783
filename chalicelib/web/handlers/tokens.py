"""Access tokens: who may use the API."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import bootstrap
from chalicelib.admin import access_tokens
from chalicelib.enums import Role
from chalicelib.errors import InvalidRequest
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import AccessToken, AccessTokens, NewAccessToken, extend
from chalicelib.web.responses import ResponseWithStatus


def list_tokens(call: Call) -> AccessTokens:
    del call  # all tokens, whoever asks
    tokens = access_tokens.list_tokens(bootstrap.scheduler())
    return AccessTokens([extend(AccessToken, token) for token in tokens])


def create_token(call: Call) -> ResponseWithStatus:
    scheduler, body = bootstrap.scheduler(), call.body
    expires_at, days = body["expires_at"], body["expires_in_days"]
    if expires_at is not None and days is not None:
        raise InvalidRequest("send expires_at or expires_in_days, not both")
    if days is not None:
        expires_at = scheduler.now() + timedelta(days=days)
    name, role, dags = body["name"], body["role"], body["dags"]
    token = access_tokens.create(
        scheduler, name, role, who=call.who, dags=dags, expires_at=expires_at
    )
    return ResponseWithStatus(NewAccessToken(name, Role(role), dags, expires_at, token), 201)


def revoke_token(call: Call) -> ResponseWithStatus:
    access_tokens.revoke(bootstrap.scheduler(), call.path["token"], who=call.who)
    return ResponseWithStatus(None, 204)
