"""The reader of `on_success`, `on_partial_success`, `on_failure` and `on_retry`."""

from __future__ import annotations

from chalicelib.dag.constraints import (
    MAX_NOTIFICATION_TEMPLATES,
    MAX_NOTIFICATION_TEXT,
    MAX_NOTIFICATIONS,
    SECRET_REFERENCE,
    VARIABLE_NAME,
)
from chalicelib.dag.language.readers.strings import shell_text
from chalicelib.dag.language.yaml_nodes import Mapping, Node
from chalicelib.dag.language.yaml_value import YamlValue, items_of, refuse_template
from chalicelib.dag.model import NotificationTarget
from chalicelib.dag.problems import quote
from chalicelib.dag.templates.scope import OPEN
from chalicelib.notification_kinds import KINDS, NotificationKind, examples, is_reference

WORDS = ("title", "text")
"""The keys beside the kind: templates of what a notification says."""


def read_notifications(value: YamlValue) -> tuple[NotificationTarget, ...]:
    items = items_of(value)
    if len(items) > MAX_NOTIFICATIONS:
        value.problem(f"{len(items)} notifications; at most {MAX_NOTIFICATIONS} are allowed")
    notifications = [_notification(item) for item in items]
    return tuple(notification for notification in notifications if notification is not None)


def _notification(value: YamlValue) -> NotificationTarget | None:
    pairs = value.node.pairs if isinstance(value.node, Mapping) else ()
    nodes = {key.text: node for key, node in pairs}
    kinds = [name for name in nodes if name not in WORDS]
    kind = KINDS.get(kinds[0]) if len(kinds) == 1 else None
    if kind is None:
        *others, last = examples()
        value.problem(
            f"expected one of {', '.join(others)} or {last}, and perhaps a title and a text"
        )
        return None
    item = value.at(nodes[kind.name], f".{kind.name}")
    words = {name: _words(value, name, nodes[name]) for name in WORDS if name in nodes}
    target = shell_text(item) if kind.runs_a_command else item.text()
    if target is None:
        return None
    _check_target(item, kind, target)
    return NotificationTarget(kind.name, target, **words)


def _words(value: YamlValue, name: str, node: Node) -> str | None:
    if node.is_null:
        return None
    item = value.at(node, f".{name}")
    text = item.text()
    if text is None:
        return None
    if len(text) > MAX_NOTIFICATION_TEXT:
        item.problem(
            f"the {name} has {len(text)} characters; at most {MAX_NOTIFICATION_TEXT} are allowed"
        )
    elif text.count(OPEN) > MAX_NOTIFICATION_TEMPLATES:
        item.problem(
            f"the {name} has {text.count(OPEN)} templates; at most {MAX_NOTIFICATION_TEMPLATES}"
            " are allowed"
        )
    return text


def _check_target(value: YamlValue, kind: NotificationKind, text: str) -> None:
    variables = "use environment variables; write '{''{' for two braces"
    if refuse_template(value, text, variables if kind.runs_a_command else "write the value itself"):
        return
    if kind.target_format is None or kind.target_format.fits(text):
        return
    if kind.is_secret and is_reference(text):
        if not SECRET_REFERENCE.fullmatch(text):
            value.problem(
                f"{quote(text)} is no reference to a secret: write ssm:/path, secretsmanager:id,"
                " secretsmanager:id#key or env:NAME"
            )
    elif not (kind.is_secret and is_secret_name(text)):
        value.problem(kind.target_format.problem.format(target=quote(text)))


def is_secret_name(text: str) -> bool:
    """Whether the text can be the name of an entry of `secrets`."""
    return VARIABLE_NAME.fullmatch(text) is not None
