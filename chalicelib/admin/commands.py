"""The commands of the function `admin`, for what the API cannot do: create the first access token,
or restore a database that cannot be opened.

Whoever may invoke the function may use every command; no further permission is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from chalicelib.admin import access_tokens, backup, self_test
from chalicelib.admin.access_tokens import TokenInfo
from chalicelib.admin.backup import BackupContext
from chalicelib.database import sqlite_versions
from chalicelib.errors import InvalidRequest, OrchestratorError
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.utils.time import iso

Command = Mapping[str, Any]

LONGEST_DAYS = 3650
"""Until a token expires."""


@dataclass(frozen=True)
class Dependencies:
    """Each is built only by an action that needs it: a restore must not open a damaged database."""

    scheduler: Callable[[], SchedulerContext]
    backup_context: Callable[[], BackupContext]


def execute(
    command: Command,
    scheduler: Callable[[], SchedulerContext],
    backup_context: Callable[[], BackupContext],
) -> dict[str, Any]:
    """Execute the action `command["action"]` and return its result in JSON's types. An error that
    the caller can correct is returned as {"error": {"code", "message", "details"}}, as in the API;
    only unexpected errors are raised.

        {"action": "token first", "name"}  -> {"token"}, null if an operator already has one
        {"action": "token create", "name", "role"}  -> {"token"}; `dags` (patterns) and
            `expires_in_days` limit it
        {"action": "token list"}  -> {"tokens": [...]}
        {"action": "token revoke", "name"}  -> {"revoked": name}
        {"action": "self test"}  -> the outcome of the test, and SQLite's versions
        {"action": "backup"}  -> the backup; see `backup.back_up`
        {"action": "backups"}  -> {"backups": [...]}
        {"action": "restore"}  -> its outcome; see `backup.Restored`

    `restore` takes `name` (default: the newest) and `even_while_runs_are_active` (default: false).
    Every command takes `who`, the actor that the audit log records (default: administrator).
    """
    try:
        return _action(command)(Dependencies(scheduler, backup_context), command)
    except OrchestratorError as error:
        return {"error": {"code": error.code, "message": error.message, "details": error.details}}


def _action(command: Command) -> Callable[[Dependencies, Command], dict[str, Any]]:
    name = command.get("action")
    if not isinstance(name, str) or name not in _ACTIONS:
        raise InvalidRequest(f"action: {name!r} is not one of {', '.join(_ACTIONS)}")
    action, fields = _ACTIONS[name]
    if unknown := sorted(set(command) - {"action", "who", *fields}):
        raise InvalidRequest(f"`{name}` does not take {', '.join(unknown)}")
    return action


def _first(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name")
    return {"token": access_tokens.create_first(dependencies.scheduler(), name, who=_who(command))}


def _create(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    scheduler = dependencies.scheduler()
    name, role = _text(command, "name"), _text(command, "role")
    dags = _text(command, "dags") if command.get("dags") is not None else None
    days = command.get("expires_in_days")
    if days is not None and not (isinstance(days, int) and 1 <= days <= LONGEST_DAYS):
        raise InvalidRequest(f"`expires_in_days` must be a number of days, 1 to {LONGEST_DAYS}")
    expires_at = None if days is None else scheduler.now() + timedelta(days=days)
    token = access_tokens.create(
        scheduler, name, role, who=_who(command), dags=dags, expires_at=expires_at
    )
    return {"token": token}


def _list(dependencies: Dependencies, _command: Command) -> dict[str, Any]:
    return {
        "tokens": [
            _token_json(token) for token in access_tokens.list_tokens(dependencies.scheduler())
        ]
    }


def _revoke(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name")
    access_tokens.revoke(dependencies.scheduler(), name, who=_who(command))
    return {"revoked": name}


def _self_test(dependencies: Dependencies, _command: Command) -> dict[str, Any]:
    return {**self_test.run(dependencies.scheduler()).as_json(), "sqlite": sqlite_versions()}


def _backup(dependencies: Dependencies, _command: Command) -> dict[str, Any]:
    return backup.back_up(dependencies.backup_context())


def _backups(dependencies: Dependencies, _command: Command) -> dict[str, Any]:
    return {"backups": [item.as_json() for item in backup.backups(dependencies.backup_context())]}


def _restore(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name") if "name" in command else None
    force = command.get("even_while_runs_are_active", False)
    if not isinstance(force, bool):
        raise InvalidRequest("`even_while_runs_are_active` must be true or false")
    return asdict(
        backup.restore(dependencies.backup_context(), name, force=force, who=_who(command))
    )


_ACTIONS: dict[str, tuple[Callable[[Dependencies, Command], dict[str, Any]], tuple[str, ...]]] = {
    "token first": (_first, ("name",)),
    "token create": (_create, ("name", "role", "dags", "expires_in_days")),
    "token list": (_list, ()),
    "token revoke": (_revoke, ("name",)),
    "self test": (_self_test, ()),
    "backup": (_backup, ()),
    "backups": (_backups, ()),
    "restore": (_restore, ("name", "even_while_runs_are_active")),
}
"""Each action by name, with the fields that it takes."""


def _text(command: Command, field: str) -> str:
    value = command.get(field)
    if not isinstance(value, str):
        raise InvalidRequest(f"`{command['action']}` needs the text `{field}`")
    return value


def _who(command: Command) -> str:
    return str(command.get("who") or "administrator")[:200]


def _token_json(token: TokenInfo) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role,
        "created_at": iso(token.created_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
        "dags": token.dags,
        "expires_at": iso(token.expires_at),
    }
