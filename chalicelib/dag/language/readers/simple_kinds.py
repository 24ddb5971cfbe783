"""The table of readers for kinds of fields that have no fields of their own."""

from __future__ import annotations

from chalicelib.dag.language.fields.field import Kind
from chalicelib.dag.language.mappings import Readers
from chalicelib.dag.language.readers.json_data import raw_json_of, read_conf, read_json_list
from chalicelib.dag.language.readers.numbers import (
    read_bool,
    read_codes,
    read_duration,
    read_factor,
    read_integer,
    read_number,
)
from chalicelib.dag.language.readers.paths import read_artifacts, read_inputs
from chalicelib.dag.language.readers.places import read_image, read_memory, read_queue
from chalicelib.dag.language.readers.strings import (
    read_choice,
    read_date,
    read_files,
    read_id,
    read_ids,
    read_line,
    read_outputs,
    read_pattern,
    read_pool,
    read_rule,
    read_schedule,
    read_test,
    read_text,
    read_texts,
    read_timezone,
    shell_text,
)
from chalicelib.dag.language.readers.variables import read_env, read_expand, read_secrets

SIMPLE_READERS: Readers = {
    Kind.NAME: read_line,
    Kind.TEXT: read_text,
    Kind.ID: read_id,
    Kind.POOL: read_pool,
    Kind.QUEUE: read_queue,
    Kind.IMAGE: read_image,
    Kind.MEMORY: read_memory,
    Kind.COMMAND: shell_text,
    Kind.TEST: read_test,
    Kind.TEXTS: read_texts,
    Kind.IDS: read_ids,
    Kind.BOOL: read_bool,
    Kind.INTEGER: read_integer,
    Kind.DURATION: read_duration,
    Kind.SCHEDULE: read_schedule,
    Kind.TIMEZONE: read_timezone,
    Kind.DATE: read_date,
    Kind.ENV: read_env,
    Kind.RULE: read_rule,
    Kind.CHOICE: read_choice,
    Kind.FACTOR: read_factor,
    Kind.NUMBER: read_number,
    Kind.PATTERN: read_pattern,
    Kind.CODES: read_codes,
    Kind.OUTPUTS: read_outputs,
    Kind.ARTIFACTS: read_artifacts,
    Kind.INPUTS: read_inputs,
    Kind.FILES: read_files,
    Kind.JSON: raw_json_of,
    Kind.VALUES: read_json_list,
    Kind.CONF: read_conf,
    Kind.EXPAND: read_expand,
    Kind.SECRETS: read_secrets,
}
