"""Check a DAG file without registering it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.dag.language.field_reference import FieldReference, field_reference
from chalicelib.dag.language.json_schema import json_schema
from chalicelib.dag.language.parser import ParsedFile, parse_file
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.places import Places


def validate(source: bytes, now: datetime, places: Places) -> tuple[ParsedFile, list[datetime]]:
    """Parse the file, and choose a place for each task. Returns the DAG with its warnings, and its
    next five fire times. Raises DagFileError with every problem."""
    parsed = parse_file(source, places=places)
    return parsed, fire_times(parsed.dag, now, 5)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a DAG file."""
    return json_schema()


def fields() -> dict[str, list[FieldReference]]:
    """Every key of a DAG file, by the title of its table."""
    return field_reference()
