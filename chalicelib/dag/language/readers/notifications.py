"""The reader of `on_success`, `on_failure` and `on_retry`."""

from __future__ import annotations

from chalicelib.dag.constraints import MAX_NOTIFICATIONS
from chalicelib.dag.language.readers.strings import shell_text
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import YamlValue, items_of, refuse_template
from chalicelib.dag.model import NotificationTarget
from chalicelib.dag.problems import quote
from chalicelib.notification_kinds import KINDS, NotificationKind, examples


def read_notifications(value: YamlValue) -> tuple[NotificationTarget, ...]:
    items = items_of(value)
    if len(items) > MAX_NOTIFICATIONS:
        value.problem(f"{len(items)} notifications; at most {MAX_NOTIFICATIONS} are allowed")
    notifications = [_notification(item) for item in items]
    return tuple(notification for notification in notifications if notification is not None)


def _notification(value: YamlValue) -> NotificationTarget | None:
    pairs = value.node.pairs if isinstance(value.node, Mapping) else ()
    kind = KINDS.get(pairs[0][0].text) if len(pairs) == 1 else None
    if kind is None:
        *others, last = examples()
        value.problem(f"expected one of {', '.join(others)} or {last}")
        return None
    key, node = pairs[0]
    item = value.at(node, f".{key.text}")
    text = shell_text(item) if kind.runs_a_command else item.text()
    if text is None:
        return None
    _check_target(item, kind, text)
    return NotificationTarget(key.text, text)


def _check_target(value: YamlValue, kind: NotificationKind, text: str) -> None:
    variables = "use environment variables; write '{''{' for two braces"
    if refuse_template(value, text, variables if kind.runs_a_command else "write the value itself"):
        return
    if kind.target_format is not None and not kind.target_format.fits(text):
        value.problem(kind.target_format.problem.format(target=quote(text)))
