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
from chalicelib.admin.backup import BackupContext
from chalicelib.database import sqlite_versions
from chalicelib.errors import InvalidRequest, OrchestratorError
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.utils.time import iso

Command = Mapping[str, Any]


@dataclass(frozen=True)
class Dependencies:
    """Each is made only by an action that needs it: a restore must not open what is broken."""

    scheduler: Callable[[], SchedulerContext]
    keeper: Callable[[], BackupContext]


def execute(
    command: Command, scheduler: Callable[[], SchedulerContext], keeper: Callable[[], BackupContext]
) -> dict[str, Any]:
    """Do what `command["action"]` says; the answer is plain JSON. What the caller can put right is
    answered as {"error": {"code", "message", "details"}}, like the API's errors; only what nobody
    foresaw is raised.

        {"action": "token first", "name"}  -> {"token"}, null if an operator has one already
        {"action": "token create", "name", "role"}  -> {"token"}
        {"action": "token list"}  -> {"tokens": [...]}
        {"action": "token revoke", "name"}  -> {"revoked": name}
        {"action": "self test"}  -> how a task fared, and the machine's versions
        {"action": "backup"}  -> the backup; see `backup.back_up`
        {"action": "backups"}  -> {"backups": [...]}
        {"action": "restore"}  -> what it did; see `backup.Restored`

    `restore` takes `name` (without: the newest) and `even_while_runs_are_active` (without: false).
    `who` beside them is what the audit says.
    """
    try:
        return _action(command)(Dependencies(scheduler, keeper), command)
    except OrchestratorError as error:
        told = {"code": error.code, "message": error.message, "details": error.details}
        return {"error": told}


def _action(command: Command) -> Callable[[Dependencies, Command], dict[str, Any]]:
    name = command.get("action")
    if not isinstance(name, str) or name not in _ACTIONS:
        raise InvalidRequest(f"action: {name!r} is not one of {', '.join(_ACTIONS)}")
    action, fields = _ACTIONS[name]
    if unknown := sorted(set(command) - {"action", "who", *fields}):
        raise InvalidRequest(f"`{name}` does not know {', '.join(unknown)}")
    return action


def _first(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name")
    return {"token": access_tokens.create_first(dependencies.scheduler(), name, who=_who(command))}


def _create(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name, role = _text(command, "name"), _text(command, "role")
    return {"token": access_tokens.create(dependencies.scheduler(), name, role, who=_who(command))}


def _list(dependencies: Dependencies, command: Command) -> dict[str, Any]:  # noqa: ARG001
    return {
        "tokens": [_shown(token) for token in access_tokens.list_tokens(dependencies.scheduler())]
    }


def _revoke(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name")
    access_tokens.revoke(dependencies.scheduler(), name, who=_who(command))
    return {"revoked": name}


def _self_test(dependencies: Dependencies, command: Command) -> dict[str, Any]:  # noqa: ARG001
    return {**self_test.run(dependencies.scheduler()).as_json(), "sqlite": sqlite_versions()}


def _backup(dependencies: Dependencies, command: Command) -> dict[str, Any]:  # noqa: ARG001
    return backup.back_up(dependencies.keeper())


def _backups(dependencies: Dependencies, command: Command) -> dict[str, Any]:  # noqa: ARG001
    return {"backups": [one.as_json() for one in backup.backups(dependencies.keeper())]}


def _restore(dependencies: Dependencies, command: Command) -> dict[str, Any]:
    name = _text(command, "name") if "name" in command else None
    force = command.get("even_while_runs_are_active", False)
    if not isinstance(force, bool):
        raise InvalidRequest("`even_while_runs_are_active` must be true or false")
    return asdict(backup.restore(dependencies.keeper(), name, force=force, who=_who(command)))


_ACTIONS: dict[str, tuple[Callable[[Dependencies, Command], dict[str, Any]], tuple[str, ...]]] = {
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


def _text(command: Command, field: str) -> str:
    value = command.get(field)
    if not isinstance(value, str):
        raise InvalidRequest(f"`{command['action']}` needs the text `{field}`")
    return value


def _who(command: Command) -> str:
    return str(command.get("who") or "administrator")[:200]


def _shown(token: TokenInfo) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role,
        "created_at": iso(token.created_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
    }
