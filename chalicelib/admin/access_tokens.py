"""Who may use the API: access tokens, each with a name and a role.

A token is 256 random bits and is shown once, when it is made. The database holds its SHA-256, so
that whoever reads the database, or a copy of it, has no token; a slow hash would add nothing where
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
from chalicelib.enums import Role, words
from chalicelib.errors import Conflict, InvalidRequest, NotFound, Unavailable
from chalicelib.scheduler.context import SchedulerContext

log = logging.getLogger("orchestrator.access")

MAX_TOKENS = 1000
USE_NOTED_EVERY = timedelta(hours=1)
"""Noting each use would cost a commit for every request."""

# The prefix is for people, and for programs that search files for secrets.
_PREFIX = "orch_"
_LONGEST = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What may be told about a token. `last_used_at` is at most an hour behind."""

    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def create(scheduler: SchedulerContext, name: str, role: str, *, who: str) -> str:
    """Make a token and answer its text, which cannot be had again. Raises InvalidRequest, or
    Conflict where the name was given before: the audit would not tell the two apart."""
    _check(name, role)
    now = scheduler.now()
    text = _PREFIX + secrets.token_urlsafe(32)
    with scheduler.database.write() as tx:
        if access_tokens.count(tx) >= MAX_TOKENS:
            raise Conflict(f"there are {MAX_TOKENS} tokens already, and no more can be made")
        if not access_tokens.insert(tx, name, role, _digest(text), now):
            raise Conflict(f"there is, or was, a token {name!r}; choose another name")
        housekeeping.audit(tx, who, "create token", name, {"role": role}, now)
    return text


def create_first(scheduler: SchedulerContext, name: str, *, who: str) -> str | None:
    """An operator's token if there is none that is good; else None. For those who install."""
    tokens = list_tokens(scheduler)
    if any(token.role == Role.OPERATOR and token.revoked_at is None for token in tokens):
        return None
    taken = {token.name for token in tokens}
    free = (f"{name}-{number}" for number in range(2, MAX_TOKENS + 2))
    unused = name if name not in taken else next(one for one in free if one not in taken)
    return create(scheduler, unused, Role.OPERATOR, who=who)


def list_tokens(scheduler: SchedulerContext) -> list[TokenInfo]:
    """All, revoked ones included, in the order of making."""
    with scheduler.database.read() as tx:
        return [_told(token) for token in access_tokens.every(tx, MAX_TOKENS)]


def revoke(scheduler: SchedulerContext, name: str, *, who: str) -> None:
    """From the next request on, the token opens nothing. Raises NotFound; a second time changes
    nothing."""
    now = scheduler.now()
    with scheduler.database.write() as tx:
        if access_tokens.revoke(tx, name, now):
            housekeeping.audit(tx, who, "revoke token", name, {}, now)
        elif access_tokens.by_name(tx, name) is None:
            raise NotFound(f"there is no token {name!r}")


def authenticate(scheduler: SchedulerContext, token: str) -> tuple[str, str] | None:
    """The name and the role of a token; None for one that is unknown or revoked."""
    if not token.startswith(_PREFIX) or len(token) > _LONGEST or not token.isascii():
        return None
    digest = _digest(token)
    with scheduler.database.read() as tx:
        found = access_tokens.by_digest(tx, digest)
    # How long the search took tells about digests at most, and none of those leads to a token.
    if found is None or not hmac.compare_digest(found.sha256, digest):
        return None
    _note_use(scheduler, found)
    return found.name, found.role


def _note_use(scheduler: SchedulerContext, token: AccessToken) -> None:
    now = scheduler.now()
    last = token.last_used_at
    if last is not None and now - USE_NOTED_EVERY < last <= now:
        return
    try:
        with scheduler.database.write() as tx:
            access_tokens.note_use(tx, token.id, now, now - USE_NOTED_EVERY)
    except Unavailable as error:
        log.warning("the use of token %s was not noted: %s", token.name, error.message)


def _check(name: str, role: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"a token cannot be called {name[:100]!r}; use 1 to 100 letters, digits and _ . @ -"
        )
    if role not in words(Role):
        raise InvalidRequest(f"there is no role {role[:100]!r}; known: {', '.join(words(Role))}")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _told(token: AccessToken) -> TokenInfo:
    return TokenInfo(
        name=token.name,
        role=token.role,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
