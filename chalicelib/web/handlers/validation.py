"""DAG files that are not registered: what is wrong with one, and what may be in one."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.scheduler.commands import validation
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ValidatedDag


def validate(call: Call) -> ValidatedDag:
    parsed, moments = validation.validate(call.text, bootstrap.ports().now())
    return ValidatedDag(parsed.dag, tuple(moments), parsed.warnings)


def get_dag_schema(_: Call) -> dict[str, Any]:
    return validation.schema()
