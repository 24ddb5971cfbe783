"""How names look, and how much of anything a DAG file may hold."""

from __future__ import annotations

import re

ID = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
MAX_ID = 100
RESERVED_IDS = ("pause", "validate")
"""No DAG is called so: `/api/dags/validate` and `/api/dags/pause` mean something else."""
POOL = re.compile(r"^(?!\.{1,2}$)[A-Za-z0-9_.-]+$")
"""A path `/api/pools/..` would never arrive as it was written."""
MAX_TASKS = 1000
MAX_SCHEDULES = 20
MAX_COMMAND = 64 * 1024
MAX_ENV = 32 * 1024
MAX_LINE = 200
MAX_MESSAGE = 240_000
"""Of command and environment as JSON, so that the task's message fits into SQS's 256 KiB."""

MAX_CONF = 32 * 1024
MAX_PARAMS = 100
MAX_OUTPUTS = 100
MAX_NOTIFICATIONS = 10
MAX_URL = 2000
MAX_PATTERN = 500

ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
ALWAYS_SET = (
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
)
MACHINES_OWN = ("AWS_", "ORCHESTRATOR_")
"""What the executor's own variables begin with; no secret is read from them."""
SECRET = re.compile(
    r"^(?:ssm:[A-Za-z0-9_./:-]{1,1011}|secretsmanager:[A-Za-z0-9/_+=.@!:-]{1,512}"
    r"(?:#[A-Za-z0-9_.@/+=-]{1,128})?|env:[A-Za-z_][A-Za-z0-9_]*)$"
)
TOPIC = re.compile(r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")
URL = re.compile(r"^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$")
NOTIFICATION_KINDS = ("sns", "webhook", "command")
RESERVED_PREFIXES = ("PARAM_", "OUTPUT_")
