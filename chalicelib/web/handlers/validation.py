"""Checking a DAG file without registering it; the JSON Schema and the keys of DAG files."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.places import installed
from chalicelib.scheduler.commands import validation
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import (
    DagFileField,
    DagFileReference,
    DagFileTable,
    ValidatedDag,
)


def validate(call: Call) -> ValidatedDag:
    ports = bootstrap.ports()
    parsed, fire_times = validation.validate(call.text, ports.now(), installed(ports.settings))
    return ValidatedDag(parsed.dag, tuple(fire_times), parsed.warnings)


def get_dag_schema(_: Call) -> dict[str, Any]:
    return validation.schema()


def get_dag_file_reference(_: Call) -> DagFileReference:
    return DagFileReference(
        tuple(
            DagFileTable(
                title,
                tuple(
                    DagFileField(f.name, f.aliases, f.type, f.default, f.description)
                    for f in fields
                ),
            )
            for title, fields in validation.fields().items()
        )
    )
