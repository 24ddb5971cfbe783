"""Checking a DAG file without registering it; the JSON Schema of DAG files."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.scheduler.commands import validation
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ValidatedDag


def validate(call: Call) -> ValidatedDag:
    parsed, fire_times = validation.validate(call.text, bootstrap.ports().now())
    return ValidatedDag(parsed.dag, tuple(fire_times), parsed.warnings)


def get_dag_schema(_: Call) -> dict[str, Any]:
    return validation.schema()
