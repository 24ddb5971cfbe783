"""Parses `_defaults.yaml`: what DAGs of a folder share, and the pools of all.

A DAG takes what it does not say itself, key by key, from the nearest of the files in its folder and
the folders above. What it takes is a part of its version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.dag.language.fields.shared import SHARED_FIELDS
from chalicelib.dag.language.mappings import FieldMapping, read_mapping
from chalicelib.dag.language.readers.nested_kinds import SHARED_READERS
from chalicelib.dag.language.template_checks import check_all_texts, check_template
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar, compose
from chalicelib.dag.language.yaml_nodes import Sequence as YamlList
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import NOTIFICATION_FIELDS, NotificationTarget, SharedPool
from chalicelib.dag.problems import Report, quote
from chalicelib.dag.templates.scope import (
    NAMES,
    RUN_NOTIFICATION_NAMES,
    TASK_NOTIFICATION_NAMES,
    Scope,
)
from chalicelib.notification_kinds import KINDS, NotificationKind, is_reference

_RUN_NAMES = tuple(name for name in RUN_NOTIFICATION_NAMES if name != "params")
_TASK_NAMES = tuple(name for name in TASK_NOTIFICATION_NAMES if name != "params")
_PROBLEM_NAMES = ("event", "headline", "reason", "cause", "url")
_NO_RUN_VALUES = tuple(name for name in NAMES if name not in ("params", "outputs"))
_LISTS = ("tags", "on_success", "on_partial_success", "on_failure", "on_problem")


@dataclass(frozen=True)
class Shared:
    """What the DAGs of a folder share. `default_args` and `env` are by key; a list that no file has
    is missing in `lists`; `pools` are those of the one file, or none after merging."""

    default_args: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    pools: dict[str, SharedPool] = field(default_factory=dict)

    @property
    def on_problem(self) -> tuple[NotificationTarget, ...]:
        return self.lists.get("on_problem", ())


NOTHING = Shared()


def merged(chain: Sequence[Shared]) -> Shared:
    """Merge the files of the folders above a DAG file, the outermost first: the nearest wins."""
    result = NOTHING
    for shared in chain:
        result = Shared(
            {**result.default_args, **shared.default_args},
            {**result.env, **shared.env},
            {**result.lists, **shared.lists},
        )
    return result


def parse_shared(source: bytes, *, file_name: str = "") -> Shared:
    """Parse a `_defaults.yaml`. Raises DagFileError with every problem of the file."""
    report = Report()
    root = compose(source, report)
    shared = _shared(root, report) if root is not None else NOTHING
    if report:
        raise report.error(file_name)
    return shared


def _shared(root: Any, report: Report) -> Shared:
    if not isinstance(root, Mapping):
        if not root.is_null:
            report.add(root, "", "shared defaults are a mapping, with keys such as default_args")
        return NOTHING
    mapping = read_mapping(root, SHARED_FIELDS, "", report, SHARED_READERS)
    defaults = mapping.values["default_args"]
    args = defaults if isinstance(defaults, FieldMapping) else None
    _check(mapping, args)
    written = {name for name, value in mapping.written.items() if not value.node.is_null}
    own_args = {}
    if args is not None:
        own_args = {
            name: args.values[name] for name, v in args.written.items() if not v.node.is_null
        }
    return Shared(
        own_args,
        mapping.values["env"],
        {name: mapping.values[name] for name in _LISTS if name in written},
        mapping.values["pools"],
    )


def _check(mapping: FieldMapping, args: FieldMapping | None) -> None:
    """Report templates that name what not every DAG has, and targets that name a DAG's secrets."""
    if "env" in mapping.written:
        check_all_texts(mapping.written["env"], Scope(_NO_RUN_VALUES))
    if args is not None:
        for name in ("command", "when"):
            value = args.written.get(name)
            if value is not None and isinstance(value.node, Scalar):
                check_template(value, value.node.text, Scope(_NO_RUN_VALUES), for_shell=True)
        for name in ("env", "expand", "conf"):
            if name in args.written:
                check_all_texts(args.written[name], Scope(_NO_RUN_VALUES))
        for name in NOTIFICATION_FIELDS:
            if name in args.written:
                _check_targets(args.written[name], Scope(_TASK_NAMES))
    for name in (*NOTIFICATION_FIELDS, "on_problem"):
        if name in mapping.written:
            names = _PROBLEM_NAMES if name == "on_problem" else _RUN_NAMES
            _check_targets(mapping.written[name], Scope(names))


def _check_targets(value: YamlValue, scope: Scope) -> None:
    for index, node in enumerate(value.node.items if isinstance(value.node, YamlList) else ()):
        for key, item in node.pairs if isinstance(node, Mapping) else ():
            text = item.text if isinstance(item, Scalar) else ""
            place = value.at(item, f"[{index}].{key.text}")
            kind = KINDS.get(key.text)
            if kind is None:
                check_template(place, text, scope)
            elif kind.is_secret and not is_reference(text) and not _fits(kind, text):
                place.problem(
                    f"{quote(text)} would be a name of a DAG's secrets: here, write its value, or a"
                    " reference such as ssm:/path"
                )


def _fits(kind: NotificationKind, text: str) -> bool:
    return kind.target_format is None or kind.target_format.fits(text)
