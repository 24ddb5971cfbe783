"""Checks notifications against the rest of the file: secrets that their targets name, and the
templates of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.readers.notifications import WORDS, is_secret_name
from chalicelib.dag.language.template_checks import check_template
from chalicelib.dag.language.yaml_nodes import Mapping, Sequence
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import NOTIFICATION_FIELDS, NotificationTarget
from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.templates.scope import (
    RUN_NOTIFICATION_NAMES,
    TASK_NOTIFICATION_NAMES,
    Scope,
)
from chalicelib.enums import WarningCode
from chalicelib.notification_kinds import KINDS, is_reference


def check_notifications(dag: FieldMapping, tasks: list[FieldMapping]) -> None:
    """Replace the names of secrets by their references, and report what is wrong with targets and
    texts."""
    params = tuple(param.name for param in dag.values["params"])
    numbers = tuple(p.name for p in dag.values["params"] if p.type in ("integer", "number"))
    defaults = dag.values["default_args"]
    own = defaults.written if isinstance(defaults, FieldMapping) else {}
    for mapping in (dag, *tasks):
        names = RUN_NOTIFICATION_NAMES if mapping is dag else TASK_NOTIFICATION_NAMES
        scope = Scope(names, params, numbers=numbers)
        for field in NOTIFICATION_FIELDS:
            if targets := mapping.values.get(field):
                value = mapping.written.get(field) or own.get(field)
                mapping.values[field] = tuple(_resolved(dag, value, t) for t in targets)
                if value is not None:
                    _check_texts(value, scope)


def _resolved(
    dag: FieldMapping, value: YamlValue | None, target: NotificationTarget
) -> NotificationTarget:
    kind = KINDS.get(target.kind)
    if kind is None or not kind.is_secret or is_reference(target.target):
        return target
    name, secrets = target.target, dag.values["secrets"]
    if name in secrets:
        return replace(target, target=secrets[name])
    fits = kind.target_format is None or kind.target_format.fits(name)
    for item in _items(value, target.kind, name):
        if fits and kind.is_key:
            item.report.warn(item.node, item.path, WarningCode.TARGET_IN_FILE, _in_the_file(target))
        elif not fits and is_secret_name(name):
            hint = did_you_mean(name, secrets) or (
                "; write its value, a name of `secrets`, or a reference such as ssm:/path"
            )
            item.problem(f"there is no secret {quote(name)}{hint}")
    return target


def _in_the_file(target: NotificationTarget) -> str:
    return (
        f"whoever reads this file can send to this {target.kind} target: keep it in a store of"
        f" secrets, and write {{{target.kind}: NAME}} with a NAME of `secrets`, or a reference such"
        " as ssm:/path"
    )


def _items(value: YamlValue | None, kind: str, target: str) -> Iterator[YamlValue]:
    """The places of the file where this target is written."""
    nodes = value.node.items if value and isinstance(value.node, Sequence) else ()
    for index, node in enumerate(nodes):
        for key, item in node.pairs if isinstance(node, Mapping) else ():
            if value and key.text == kind and getattr(item, "text", None) == target:
                yield value.at(item, f"[{index}].{kind}")


def _check_texts(value: YamlValue, scope: Scope) -> None:
    for index, node in enumerate(value.node.items if isinstance(value.node, Sequence) else ()):
        for key, item in node.pairs if isinstance(node, Mapping) else ():
            text = getattr(item, "text", None)
            if key.text in WORDS and isinstance(text, str):
                check_template(value.at(item, f"[{index}].{key.text}"), text, scope)
