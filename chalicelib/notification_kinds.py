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

SECRET_STORES = ("ssm:", "secretsmanager:", "env:")
"""How a target begins that is fetched from a store of secrets when the notification is sent."""
_HIDDEN = "…"
_SHOWN_END = 4


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
    what it may reach. `is_secret`: whoever knows a target can use it, so it may be kept in a store
    of secrets, and is never shown in full; `is_key`: it is good for nothing else, so a file that
    holds it gets a warning. `resolves`: a failure stays open at the other side until
    a success is sent there, too."""

    name: str
    placeholder: str
    target_format: TargetFormat | None
    delivery: str
    reach: str
    permissions: tuple[Permission, ...] = ()
    is_secret: bool = False
    is_key: bool = False
    resolves: bool = False

    @property
    def runs_a_command(self) -> bool:
        return self.target_format is None

    @property
    def example(self) -> str:
        """How a DAG file writes it."""
        return f"{{{self.name}: {self.placeholder}}}"

    def shown(self, target: str) -> str:
        """The target as people may see it: of a URL the host, of a key the last characters."""
        if not self.is_secret or is_reference(target):
            return target
        host = re.match(r"https?://[^/?#]+", target)
        return f"{host[0]}/{_HIDDEN}" if host else f"{_HIDDEN}{target[-_SHOWN_END:]}"


def is_reference(target: str) -> bool:
    """Whether a store of secrets has the target itself."""
    return target.startswith(SECRET_STORES)


def shown_target(kind: str, target: str) -> str:
    """The target of a notification as people may see it, of a kind that may be unknown here."""
    row = KINDS.get(kind)
    return row.shown(target) if row else target


def _url_format(what: str) -> TargetFormat:
    return TargetFormat(
        re.compile(r"^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$"),
        max_length=2000,
        problem=f"this is not a valid {what} URL: it must begin with https:// or http://,"
        " contain no user name and have at most 2000 characters",
    )


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
        "slack",
        "url",
        _url_format("Slack webhook"),
        delivery="a message with a link to the page, to the channel of an incoming webhook",
        reach="as `webhook`",
        is_secret=True,
        is_key=True,
    ),
    NotificationKind(
        "teams",
        "url",
        _url_format("Teams webhook"),
        delivery="an Adaptive Card with a link to the page, to the channel of a workflow that posts"
        " what its webhook receives",
        reach="as `webhook`",
        is_secret=True,
        is_key=True,
    ),
    NotificationKind(
        "pagerduty",
        "key",
        TargetFormat(
            re.compile(r"^[A-Za-z0-9]{32}$"),
            max_length=32,
            problem="this is not a routing key of PagerDuty's Events API v2, which has 32 letters"
            " and digits",
        ),
        delivery="an incident for a failure, which the next success of the same DAG or task"
        " resolves, also if only `on_failure` names the key",
        reach="`ORCHESTRATOR_PAGERDUTY_URL`",
        is_secret=True,
        is_key=True,
        resolves=True,
    ),
    NotificationKind(
        "email",
        "address",
        TargetFormat(
            re.compile(r"^[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$"),
            max_length=254,
            problem="{target} is not the address of a mailbox, such as team@example.com",
        ),
        delivery="plain text and HTML, by Amazon SES from `ORCHESTRATOR_EMAIL_FROM`, or by the"
        " server that `ORCHESTRATOR_SMTP_URL` names",
        reach="whom SES lets the sender write to",
        permissions=(Permission("ses:SendRawEmail", "ses", "identity/*"),),
    ),
    NotificationKind(
        "webhook",
        "url",
        _url_format("webhook"),
        delivery="the event as JSON in a POST, up to three times, ten seconds each, if nobody"
        " answers or the answer is 429 or 5xx; the header `Idempotency-Key` stays the same when it"
        " is sent again; redirects are not followed",
        reach="public addresses; in the local cloud any",
        is_secret=True,
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
