"""The ways to notify people, one row each.

A new kind is a row here and a sender in `chalicelib/executor/notifications`. The language of DAG
files and its JSON Schema, the API's schema, the executor's permissions and the documentation derive
from the row; the database and the messages carry its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

KindName = NewType("KindName", str)
"""A key of KINDS; the API's schema lists them."""


@dataclass(frozen=True, slots=True)
class TargetFormat:
    """What a target is, other than a shell command: it matches `pattern` and has at most
    `max_length` characters. `problem` tells the author of a DAG file what is wrong with a target
    that does not; `{target}` stands for it, for a kind whose targets are no secret."""

    pattern: re.Pattern[str]
    max_length: int
    problem: str

    def fits(self, target: str) -> bool:
        return len(target) <= self.max_length and self.pattern.fullmatch(target) is not None


@dataclass(frozen=True, slots=True)
class Permission:
    """What the executor's role must be allowed. `resource` is the end of an ARN of `service` in the
    installation's account; `{stack}` stands for the installation's name."""

    action: str
    service: str
    resource: str


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """One way to notify people. `name` is its key in DAG files, in messages, in the database and in
    the API. `placeholder` stands for a target in texts. A kind without a `target_format` runs its
    target as a shell command. `delivery` and `reach` are for the documentation: how it is sent, and
    what it may reach."""

    name: str
    placeholder: str
    target_format: TargetFormat | None
    delivery: str
    reach: str
    permissions: tuple[Permission, ...] = ()

    @property
    def runs_a_command(self) -> bool:
        return self.target_format is None

    @property
    def example(self) -> str:
        """How a DAG file writes it."""
        return f"{{{self.name}: {self.placeholder}}}"


_ROWS = (
    NotificationKind(
        "sns",
        "arn",
        TargetFormat(
            re.compile(r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"),
            max_length=500,
            problem="{target} is not the ARN of a standard topic, such as"
            " arn:aws:sns:eu-central-1:123456789012:alerts",
        ),
        delivery="the event as JSON, to a standard topic",
        reach="topics whose names begin with the installation's, such as `orchestrator-dev-`",
        permissions=(Permission("sns:Publish", "sns", "{stack}-*"),),
    ),
    NotificationKind(
        "webhook",
        "url",
        TargetFormat(
            re.compile(r"^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$"),
            max_length=2000,
            problem="this is not a valid webhook URL: it must begin with https:// or http://,"
            " contain no user name and have at most 2000 characters",
        ),
        delivery="the event as JSON in a POST, up to three times, ten seconds each, if nobody"
        " answers or the answer is 429 or 5xx; the header `Idempotency-Key` stays the same when it"
        " is sent again; redirects are not followed",
        reach="public addresses; in the local cloud any",
    ),
    NotificationKind(
        "command",
        "...",
        None,
        delivery="run like a task, for at most a minute, with the event in its environment as"
        " `EVENT`, `DAG_ID`, `REASON` and so on, without the DAG's `env` and `secrets`",
        reach="what the commands of tasks may reach, with the same role",
    ),
)

KINDS: dict[str, NotificationKind] = {row.name: row for row in _ROWS}


def examples() -> list[str]:
    """How a DAG file writes each kind."""
    return [kind.example for kind in KINDS.values()]
