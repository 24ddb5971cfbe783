"""What an administrator can do without the API: the first access token cannot come through it, and
neither can the cure for a database that nobody can open.

Whoever may invoke the function `admin` may do all of this; nothing is checked here again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.admin import access_tokens, backup, self_test
from chalicelib.admin.access_tokens import TokenInfo
from chalicelib.admin.backup import Keeper
from chalicelib.database import sqlite_versions
from chalicelib.errors import InvalidRequest, OrchestratorError
from chalicelib.scheduler.context import Scheduler
from chalicelib.utils.time import iso

Wish = Mapping[str, Any]


@dataclass(frozen=True)
class _Means:
    """Each is made only by an action that needs it: a restore must not open what is broken."""

    scheduler: Callable[[], Scheduler]
    keeper: Callable[[], Keeper]


def carry_out(
    wish: Wish, scheduler: Callable[[], Scheduler], keeper: Callable[[], Keeper]
) -> dict[str, Any]:
    """Do what `wish["do"]` says, and answer in JSON's types. What the caller can put right is
    answered as {"error": {"code", "message", "details"}}, like the API's errors; only what nobody
    foresaw is raised.

        {"do": "token first", "name"}           -> {"token"}, null if an operator has one already
        {"do": "token create", "name", "role"}  -> {"token"}
        {"do": "token list"}                    -> {"tokens": [...]}
        {"do": "token revoke", "name"}          -> {"revoked": name}
        {"do": "self test"}                     -> how a task fared, and the machine's versions
        {"do": "backup"}                        -> the backup; see `backup.back_up`
        {"do": "backups"}                       -> {"backups": [...]}
        {"do": "restore"}                       -> what it did; see `backup.Restored`

    `restore` takes `name` (without: the newest) and `even_while_runs_are_active` (without: false).
    `who` beside them is what the audit says.
    """
    try:
        return _action(wish)(_Means(scheduler, keeper), wish)
    except OrchestratorError as error:
        told = {"code": error.code, "message": error.message, "details": error.details}
        return {"error": told}


def _action(wish: Wish) -> Callable[[_Means, Wish], dict[str, Any]]:
    name = wish.get("do")
    if not isinstance(name, str) or name not in _ACTIONS:
        raise InvalidRequest(f"do: {name!r} is not one of {', '.join(_ACTIONS)}")
    action, fields = _ACTIONS[name]
    if unknown := sorted(set(wish) - {"do", "who", *fields}):
        raise InvalidRequest(f"`{name}` does not know {', '.join(unknown)}")
    return action


def _first(means: _Means, wish: Wish) -> dict[str, Any]:
    name = _text(wish, "name")
    return {"token": access_tokens.create_first(means.scheduler(), name, who=_who(wish))}


def _create(means: _Means, wish: Wish) -> dict[str, Any]:
    name, role = _text(wish, "name"), _text(wish, "role")
    return {"token": access_tokens.create(means.scheduler(), name, role, who=_who(wish))}


def _list(means: _Means, wish: Wish) -> dict[str, Any]:  # noqa: ARG001 - one shape for all actions
    return {"tokens": [_shown(token) for token in access_tokens.list_tokens(means.scheduler())]}


def _revoke(means: _Means, wish: Wish) -> dict[str, Any]:
    name = _text(wish, "name")
    access_tokens.revoke(means.scheduler(), name, who=_who(wish))
    return {"revoked": name}


def _self_test(means: _Means, wish: Wish) -> dict[str, Any]:  # noqa: ARG001 - one shape for all
    return {**self_test.run(means.scheduler()).as_json(), "sqlite": sqlite_versions()}


def _backup(means: _Means, wish: Wish) -> dict[str, Any]:  # noqa: ARG001 - one shape for all actions
    return backup.back_up(means.keeper())


def _backups(means: _Means, wish: Wish) -> dict[str, Any]:  # noqa: ARG001 - one shape for all actions
    return {"backups": [one.as_json() for one in backup.backups(means.keeper())]}


def _restore(means: _Means, wish: Wish) -> dict[str, Any]:
    name = _text(wish, "name") if "name" in wish else None
    force = wish.get("even_while_runs_are_active", False)
    if not isinstance(force, bool):
        raise InvalidRequest("`even_while_runs_are_active` must be true or false")
    return asdict(backup.restore(means.keeper(), name, force=force, who=_who(wish)))


_ACTIONS: dict[str, tuple[Callable[[_Means, Wish], dict[str, Any]], tuple[str, ...]]] = {
    "token first": (_first, ("name",)),
    "token create": (_create, ("name", "role")),
    "token list": (_list, ()),
    "token revoke": (_revoke, ("name",)),
    "self test": (_self_test, ()),
    "backup": (_backup, ()),
    "backups": (_backups, ()),
    "restore": (_restore, ("name", "even_while_runs_are_active")),
}
"""By name: the action, and the fields that it takes."""


def _text(wish: Wish, field: str) -> str:
    value = wish.get(field)
    if not isinstance(value, str):
        raise InvalidRequest(f"`{wish['do']}` needs the text `{field}`")
    return value


def _who(wish: Wish) -> str:
    return str(wish.get("who") or "administrator")[:200]


def _shown(token: TokenInfo) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role,
        "created_at": iso(token.created_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
    }
