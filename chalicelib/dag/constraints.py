"""The patterns of names, and the limits of a DAG file."""

from __future__ import annotations

import re

ID_PATTERN = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
MAX_ID_LENGTH = 100
RESERVED_IDS = ("pause", "validate")
"""Ids that no DAG can have, because `/api/dags/validate` and `/api/dags/pause` are routes."""
POOL_NAME = re.compile(r"^(?!\.{1,2}$)[A-Za-z0-9_.-]+$")
"""Excludes `.` and `..`, which a client would remove from the path `/api/pools/..`."""
IMAGE = re.compile(
    r"^(?=.{1,255}$)(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$"
)
"""The name of a container image, as Docker takes it."""
MEMORY_PATTERN = re.compile(r"^([0-9]{1,7}(?:\.[0-9]{1,6})?) *([MGmg])(?:[iI]?[bB]|[iI])?$")
MAX_MEMORY_MB = 4 * 1024 * 1024
ARTIFACT_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")
"""Without a dot: the last dot of `task.artifact` ends the task's id."""
MAX_TASKS = 1000
MAX_SCHEDULES = 20
MAX_COMMAND_BYTES = 64 * 1024
MAX_ENV_BYTES = 32 * 1024
MAX_LINE_LENGTH = 200
MAX_MESSAGE_BYTES = 240_000
"""The limit for command and environment as JSON: the task's message must fit into SQS's 256 KiB."""

MAX_CONF_BYTES = 32 * 1024
MAX_PARAMS = 100
MAX_OUTPUTS = 100
MAX_NOTIFICATIONS = 10
MAX_NOTIFICATION_TEXT = 3000
MAX_NOTIFICATION_TEMPLATES = 20
MAX_TOOLS = 20
MAX_POOLS = 200
MAX_TOOL_URL_LENGTH = 1000
TOOL_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")
SHA256 = re.compile(r"^[0-9A-Fa-f]{64}$")
MAX_ARTIFACTS = 50
MAX_INPUTS = 100
MAX_PATH_LENGTH = 500
MAX_FILE_NAME_BYTES = 255
"""Linux's limit for one part of a path."""
MAX_PATTERN_LENGTH = 500

VARIABLE_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
BUILT_IN_VARIABLES = (
    "DAG_ID",
    "RUN_ID",
    "TASK_ID",
    "TRY_NUMBER",
    "MAP_INDEX",
    "LOGICAL_DATE",
    "DATA_INTERVAL_START",
    "DATA_INTERVAL_END",
    "DS",
    "TRIGGER_TYPE",
    "DAG_OUTPUT",
    "DAG_FILES",
)
INTERNAL_VARIABLE_PREFIXES = ("AWS_", "ORCHESTRATOR_")
"""Prefixes of the executor's own variables. No secret is read from them."""
SECRET_REFERENCE = re.compile(
    r"^(?:ssm:[A-Za-z0-9_./:-]{1,1011}|secretsmanager:[A-Za-z0-9/_+=.@!:-]{1,512}"
    r"(?:#[A-Za-z0-9_.@/+=-]{1,128})?|env:[A-Za-z_][A-Za-z0-9_]*)$"
)
RESERVED_PREFIXES = ("PARAM_", "OUTPUT_")
