"""Readers of what a task needs of its place: `image`, `memory`, `queue`."""

from __future__ import annotations

import math

from chalicelib.dag.constraints import IMAGE, MEMORY_PATTERN
from chalicelib.dag.language.yaml_value import YamlValue, refuse_template
from chalicelib.dag.problems import quote
from chalicelib.places import QUEUE_NAME

_MB = {"m": 1, "g": 1024}


def read_memory(value: YamlValue) -> int | None:
    """Read an amount of memory as MB, rounded up."""
    field, text = value.field, value.text("an amount of memory such as 512M or 2G")
    if text is None:
        return None
    match = MEMORY_PATTERN.fullmatch(text.strip())
    if match is None:
        hint = f"; did you mean {text.strip()}M?" if text.strip().isdecimal() else ""
        value.problem(
            f"{quote(text)} is not an amount of memory: write it in M or G, as 512M or 2G{hint}"
        )
        return None
    memory_mb = math.ceil(round(float(match[1]) * _MB[match[2].lower()], 6))
    if not field.low <= memory_mb <= field.high:
        value.problem(f"memory must be from 1M to {field.high / 1024:g}G, not {text.strip()}")
        return None
    return memory_mb


def read_image(value: YamlValue) -> str | None:
    text = value.text("the name of a container image")
    if refuse_template(value, text, "write the image's name itself"):
        return None
    if text is None or IMAGE.fullmatch(text.strip()):
        return text and text.strip()
    value.problem(
        f"{quote(text)} is not the name of a container image: write it as for docker run, such as"
        " python:3.13-slim or registry.example.com/team/image@sha256:..."
    )
    return None


def read_queue(value: YamlValue) -> str | None:
    text = value.text("the name of a queue")
    if refuse_template(value, text, "write the queue's name itself"):
        return None
    if text is None or QUEUE_NAME.fullmatch(text):
        return text
    value.problem(
        f"{quote(text)} is not the name of a queue: use at most 30 letters, digits, _ and -, and"
        " begin with a letter or a digit"
    )
    return None
