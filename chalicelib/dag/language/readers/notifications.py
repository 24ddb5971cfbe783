"""The reader of `on_success`, `on_failure` and `on_retry`."""

from __future__ import annotations

from chalicelib.dag.constraints import (
    MAX_NOTIFICATIONS,
    MAX_URL_LENGTH,
    SNS_TOPIC_ARN,
    WEBHOOK_URL,
)
from chalicelib.dag.language.readers.strings import shell_text
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import YamlValue, items_of, refuse_template
from chalicelib.dag.model import Notification
from chalicelib.dag.problems import quote
from chalicelib.enums import NotificationKind, words


def read_notifications(value: YamlValue) -> tuple[Notification, ...]:
    items = items_of(value)
    if len(items) > MAX_NOTIFICATIONS:
        value.problem(f"{len(items)} notifications; at most {MAX_NOTIFICATIONS} are possible")
    found = [_notification(item) for item in items]
    return tuple(one for one in found if one is not None)


def _notification(value: YamlValue) -> Notification | None:
    pairs = value.node.pairs if isinstance(value.node, Mapping) else ()
    if len(pairs) != 1 or pairs[0][0].text not in words(NotificationKind):
        value.problem("expected one of {sns: arn}, {webhook: url} and {command: ...}")
        return None
    key, node = pairs[0]
    item = value.at(node, f".{key.text}")
    text = shell_text(item) if key.text == "command" else item.text()
    if text is None:
        return None
    _check_target(item, key.text, text)
    return Notification(key.text, text)


def _check_target(value: YamlValue, kind: str, text: str) -> None:
    variables = "use the variables of the environment; '{''{' stands for two braces"
    if refuse_template(value, text, variables if kind == "command" else "write it out"):
        return
    if kind == NotificationKind.SNS and not SNS_TOPIC_ARN.fullmatch(text):
        value.problem(
            f"{quote(text)} is no ARN of a standard topic such as "
            "arn:aws:sns:eu-central-1:123456789012:alerts"
        )
    elif kind == NotificationKind.WEBHOOK and (
        len(text) > MAX_URL_LENGTH or not WEBHOOK_URL.fullmatch(text)
    ):
        value.problem(
            "this is no URL of a webhook: it begins with https:// or http://, names no user and "
            f"has at most {MAX_URL_LENGTH} characters"
        )
