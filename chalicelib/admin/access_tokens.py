"""Who may use the API: access tokens, each with a name and a role, and perhaps limited to some DAGs
and to a time.

A token is 256 random bits and is shown once, when it is created. The database holds its SHA-256, so
that reading the database, or a copy of it, reveals no token; a slow hash would add nothing, because
there is no password to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.database.queries import access_tokens, housekeeping
from chalicelib.database.queries.access_tokens import AccessToken
from chalicelib.database.reads.dag_scope import PATTERNS
from chalicelib.enums import Role, words
from chalicelib.errors import Conflict, InvalidRequest, NotFound, Unauthorized, Unavailable
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.utils.time import iso

log = logging.getLogger("orchestrator.access")

MAX_TOKENS = 1000
MAX_PATTERNS = 500
"""Characters of the patterns of one token."""
LAST_USE_RESOLUTION = timedelta(hours=1)
"""Recording each use would cost a commit for every request."""

# The prefix lets users and secret scanners recognize a token.
_PREFIX = "orch_"
_MAX_CHARACTERS = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is shown of a token, never its text. `last_used_at` lags by at most an hour."""

    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    dags: str | None = None
    expires_at: datetime | None = None


def create(
    scheduler: SchedulerContext,
    name: str,
    role: str,
    *,
    who: str,
    dags: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Create a token and return its text, which cannot be shown again. `dags` has patterns of the
    DAGs that it is limited to, separated by commas. Raises InvalidRequest, or Conflict if the name
    was used before: the audit log could not tell the two apart."""
    now = scheduler.now()
    _check(name, role)
    _check_limits(dags, expires_at, now)
    text = _PREFIX + secrets.token_urlsafe(32)
    with scheduler.database.write() as tx:
        if access_tokens.count(tx) >= MAX_TOKENS:
            raise Conflict(f"there are already {MAX_TOKENS} tokens, and no more can be created")
        limits = {"dags": dags, "expires_at": iso(expires_at)}
        if not access_tokens.insert(
            tx, name, role, _digest(text), now, dags=dags, expires_at=expires_at
        ):
            raise Conflict(f"there is, or was, a token {name!r}; choose another name")
        details = {"role": role, **{key: text for key, text in limits.items() if text}}
        housekeeping.audit(tx, who, "create token", name, details, now)
    return text


def create_first(scheduler: SchedulerContext, name: str, *, who: str) -> str | None:
    """Create an operator's token if there is no valid one; else return None. For installers."""
    tokens, now = list_tokens(scheduler), scheduler.now()
    if any(_can_do_all(token, now) for token in tokens):
        return None
    taken = {token.name for token in tokens}
    numbered = (f"{name}-{number}" for number in range(2, MAX_TOKENS + 2))
    unused = next(free for free in (name, *numbered) if free not in taken)
    return create(scheduler, unused, Role.OPERATOR, who=who)


def _can_do_all(token: TokenInfo, now: datetime) -> bool:
    is_good = token.revoked_at is None and (token.expires_at is None or now < token.expires_at)
    return is_good and token.role == Role.OPERATOR and token.dags is None


def list_tokens(scheduler: SchedulerContext) -> list[TokenInfo]:
    """List all tokens, including revoked ones, oldest first."""
    with scheduler.database.read() as tx:
        return [_token_info(token) for token in access_tokens.every(tx, MAX_TOKENS)]


def revoke(scheduler: SchedulerContext, name: str, *, who: str) -> None:
    """Revoke the token, effective on the next request. Idempotent. Raises NotFound."""
    now = scheduler.now()
    with scheduler.database.write() as tx:
        if access_tokens.revoke(tx, name, now):
            housekeeping.audit(tx, who, "revoke token", name, {}, now)
        elif access_tokens.by_name(tx, name) is None:
            raise NotFound(f"there is no token {name!r}")


def authenticate(scheduler: SchedulerContext, token: str) -> TokenInfo | None:
    """Return what is known of a token, or None if it is unknown. Raises Unauthorized for one that
    is revoked or has expired."""
    if not token.startswith(_PREFIX) or len(token) > _MAX_CHARACTERS or not token.isascii():
        return None
    digest = _digest(token)
    with scheduler.database.read() as tx:
        known = access_tokens.by_digest(tx, digest)
    # The duration of the query reveals digests at most, and a digest does not lead to a token.
    if known is None or not hmac.compare_digest(known.sha256, digest):
        return None
    _refuse_ended(known, scheduler.now())
    _record_use(scheduler, known)
    return _token_info(known)


def _refuse_ended(token: AccessToken, now: datetime) -> None:
    if token.revoked_at is not None:
        raise Unauthorized(
            f"the access token {token.name} was revoked on {token.revoked_at:%Y-%m-%d};"
            " ask an operator for a new one"
        )
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthorized(
            f"the access token {token.name} expired at {token.expires_at:%Y-%m-%d %H:%M} UTC;"
            " ask an operator for a new one"
        )


def _record_use(scheduler: SchedulerContext, token: AccessToken) -> None:
    now = scheduler.now()
    last = token.last_used_at
    if last is not None and now - LAST_USE_RESOLUTION < last <= now:
        return
    try:
        with scheduler.database.write() as tx:
            access_tokens.note_use(tx, token.id, now, now - LAST_USE_RESOLUTION)
    except Unavailable as error:
        log.warning("the use of token %s was not recorded: %s", token.name, error.message)


def _check(name: str, role: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"a token cannot be called {name[:100]!r}; use 1 to 100 letters, digits and _ . @ -"
        )
    if role not in words(Role):
        raise InvalidRequest(f"there is no role {role[:100]!r}; known: {', '.join(words(Role))}")


def _check_limits(dags: str | None, expires_at: datetime | None, now: datetime) -> None:
    if dags is not None and not (len(dags) <= MAX_PATTERNS and PATTERNS.fullmatch(dags)):
        raise InvalidRequest(
            f"{dags[:100]!r} is no pattern of DAGs: write dag_ids separated by commas, in which *"
            f" stands for any characters and ? for one, {MAX_PATTERNS} characters at most"
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(f"{expires_at:%Y-%m-%d %H:%M} UTC is past: a token expires later")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _token_info(token: AccessToken) -> TokenInfo:
    return TokenInfo(
        name=token.name,
        role=token.role,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
        dags=token.dags,
        expires_at=token.expires_at,
    )
