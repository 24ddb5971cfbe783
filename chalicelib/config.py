"""The one table of settings. Each is an environment variable; the table in `chalicelib/README.md`
is made from this one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.enums import AuthMode, words
from chalicelib.utils.lambda_env import is_lambda
from chalicelib.utils.time import parse_iso

PREFIX = "ORCHESTRATOR_"


class BadSetting(ValueError):
    """A setting that cannot be used; the text names it, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`name` without the prefix; `where` says who reads it: everywhere, local, or AWS."""

    name: str
    default: Any
    parse: Callable[[str], Any]
    help: str
    where: str = "everywhere"

    @property
    def variable(self) -> str:
        return PREFIX + self.name


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a number") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low:g} and {high:g}")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return parse


LAMBDA_MB = (128, 10_240)
MAX_SIZES = 6
ANY_QUEUE = "*"
MAX_QUEUES = 50
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}")


def memory_sizes(text: str) -> str:
    """Read sizes of Lambda in MB, such as `384,2048`; the first is the default one."""
    parse = integer(*LAMBDA_MB)
    sizes = [parse(size.strip()) for size in text.split(",")]
    if len(set(sizes)) < len(sizes) or len(sizes) > MAX_SIZES:
        raise ValueError(f"must be at most {MAX_SIZES} different sizes in MB, such as 384,2048")
    return ",".join(map(str, sizes))


def queue_names(text: str) -> str:
    """Read names of worker queues, such as `gpu,on-premises`, or `*` for any."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name != ANY_QUEUE and not QUEUE_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not the name of a queue: use at most 30 letters, digits, - and _, and"
                " begin with a letter or a digit"
            )
    if len(names) > MAX_QUEUES:
        raise ValueError(f"names more than {MAX_QUEUES} queues")
    return ",".join(names)


def page_url(text: str) -> str:
    """Read the address of the page, and end it with a slash."""
    if not re.match(r"https?://[^\s/]+", text):
        raise ValueError("must begin with https:// or http://")
    return text.rstrip("/") + "/"


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE", "", str, "path of the SQLite file; on AWS below the EFS mount"),
    Setting(
        "SQLITE",
        "auto",
        choice("auto", "standard", "bundled"),
        "which SQLite: the standard library's, the bundled one, or (`auto`) the standard library's"
        " where it is 3.37 or newer",
    ),
    Setting("DAGS_BUCKET", "orchestrator-dags", str, "bucket of DAG files"),
    Setting(
        "RUNS_BUCKET",
        "orchestrator-runs",
        str,
        "bucket of logs and, without a table of claims, of claims",
    ),
    Setting("BACKUPS_BUCKET", "orchestrator-backups", str, "bucket of the database's backups"),
    Setting("TASKS_QUEUE", "orchestrator-tasks", str, "name of the queue of ready tasks"),
    Setting(
        "LAMBDA_MEMORY",
        "384",
        memory_sizes,
        "memory in MB of the Lambda functions that run tasks, such as `384,2048`; the first is the"
        " default size. `chalice local` has `384,2048,8192` unless it is set",
    ),
    Setting(
        "FARGATE",
        "no",
        choice("no", "yes"),
        "whether tasks can run on Fargate: images, vCPUs, more memory, more time. `chalice local`"
        " has it unless it is set to `no`",
    ),
    Setting(
        "WORKER_QUEUES",
        "",
        queue_names,
        "names of the queues that workers poll, such as `gpu,on-premises`. `chalice local` has a"
        " queue by any name that a task asks for unless it is set; `*` means the same",
    ),
    Setting("FARGATE_CLUSTER", "", str, "ARN of the cluster that runs tasks on Fargate", "AWS"),
    Setting("FARGATE_SUBNETS", "", str, "subnets of those tasks, separated by commas", "AWS"),
    Setting("FARGATE_SECURITY_GROUP", "", str, "security group of those tasks", "AWS"),
    Setting("FARGATE_EXECUTION_ROLE", "", str, "ARN of the role that pulls their images", "AWS"),
    Setting(
        "FARGATE_SIDECAR_ROLE", "", str, "ARN of the role of the container beside a command", "AWS"
    ),
    Setting(
        "FARGATE_SPOT",
        "no",
        choice("no", "yes"),
        "whether tasks on Fargate that have retries run on spare capacity",
        "AWS",
    ),
    Setting("FARGATE_DISK_GB", 20, integer(20, 200), "disk of a task on Fargate", "AWS"),
    Setting("RESULTS_QUEUE", "orchestrator-results", str, "name of the queue of results"),
    Setting(
        "DEAD_LETTER_QUEUE",
        "orchestrator-tasks-dead",
        str,
        "name of the queue of task messages that no executor could handle",
    ),
    Setting(
        "CLAIMS_TABLE",
        "",
        str,
        "name of the DynamoDB table of claims; without it, claims are objects in the runs bucket",
    ),
    Setting(
        "CLAIMS_ON_S3_UNTIL",
        None,
        parse_iso,
        "until then (`2026-12-05T10:00:00Z`), claims in the runs bucket count, too: set by"
        " `python -m infra deploy` when it moves the claims of an older version to DynamoDB",
        "AWS",
    ),
    Setting(
        "IMAGES",
        "engine",
        choice("engine", "host"),
        "what runs a task's image outside AWS: a container engine, Docker or Podman (`engine`), or"
        " this machine without the image (`host`)",
    ),
    Setting(
        "HEARTBEAT_SECONDS",
        30.0,
        number(0.2, 300),
        "seconds between two heartbeats of a running command",
    ),
    Setting(
        "SILENCE_SECONDS",
        120.0,
        number(1, 3600),
        "an attempt without a heartbeat for this many seconds is lost",
    ),
    Setting(
        "RESEND_SECONDS",
        60.0,
        number(1, 900),
        "a task message is sent again if its attempt has not begun this many seconds after it was"
        " due; the interval doubles each time, up to 15 minutes",
    ),
    Setting(
        "RECONCILE_SECONDS",
        300.0,
        number(1, 86400),
        "seconds between two comparisons of the dags bucket with the database",
    ),
    Setting(
        "RETENTION_DAYS",
        90,
        integer(1, 3650),
        "finished runs older than this many days are removed",
    ),
    Setting(
        "BACKUPS_DAILY",
        7,
        integer(1, 366),
        "number of days for which the newest backup of each day is kept",
    ),
    Setting(
        "BACKUPS_WEEKLY",
        4,
        integer(0, 520),
        "number of weeks for which the newest backup of each week is kept",
    ),
    Setting(
        "BACKUPS_MONTHLY",
        12,
        integer(0, 120),
        "number of months for which the newest backup of each month is kept",
    ),
    Setting(
        "AUTH",
        "token",
        choice(*words(AuthMode)),
        "who may use the API: holders of an access token (`token`), callers allowed by AWS IAM"
        " (`iam`), or anyone (`none`, the default of `chalice local` on a loopback address)",
    ),
    Setting(
        "EDITOR",
        "yes",
        choice("no", "yes"),
        "whether operators may create and change DAG files on the page and over the API",
    ),
    Setting(
        "PAGE_URL",
        "",
        page_url,
        "address of the page, for links in notifications; `deploy` and `chalice local` set it",
    ),
    Setting(
        "EMAIL_FROM",
        "",
        str,
        "sender of notifications by e-mail, an address that Amazon SES has verified; set by"
        " `deploy --email-from`",
    ),
    Setting(
        "SMTP_URL",
        "",
        str,
        "mail server for notifications, `smtp://user:password@host:port` or `smtps://...`, or a"
        " reference such as `ssm:/smtp` to a secret with such a URL; without it, AWS uses SES",
    ),
    Setting(
        "PAGERDUTY_URL",
        "https://events.pagerduty.com/v2/enqueue",
        str,
        "where events for PagerDuty go; its European region has"
        " `https://events.eu.pagerduty.com/v2/enqueue`",
    ),
    Setting(
        "TASK_LAYERS",
        "",
        str,
        "ARNs of the Lambda layers that bring programs for commands, separated by commas; their"
        " folders `bin` and `python` are on the `PATH` and `PYTHONPATH` of commands",
        "AWS",
    ),
    Setting(
        "TASK_ROLE",
        "",
        str,
        "ARN of the IAM role that commands run with; without it they have no AWS credentials",
        "AWS",
    ),
    Setting(
        "ARCHITECTURE",
        "x86_64",
        choice("x86_64", "arm64"),
        "processor architecture of the functions, which determines Lambda's price",
        "AWS",
    ),
    Setting(
        "LOG_LEVEL", "INFO", choice("DEBUG", "INFO", "WARNING", "ERROR"), "lowest level logged"
    ),
    Setting(
        "HOME",
        "",
        str,
        "folder of the local cloud's state; default `orchestrator` below the XDG state folder",
        "local",
    ),
    Setting(
        "PATH",
        "host",
        choice("host", "lambda"),
        "programs that commands find: this machine's (`host`), or of those only the ones that"
        " Lambda's image has, too (`lambda`)",
        "local",
    ),
    Setting("DAGS_DIR", "examples", str, "folder whose YAML files are registered", "local"),
    Setting(
        "PARALLELISM",
        4,
        integer(1, 64),
        "maximum number of commands that run at the same time",
        "local",
    ),
    Setting(
        "TICK_SECONDS",
        60.0,
        number(0.2, 60),
        "seconds between two ticks; on AWS, EventBridge ticks once a minute",
        "local",
    ),
    Setting(
        "S3_PORT", 4566, integer(0, 65535), "port of the local S3 and SQS; 0 picks one", "local"
    ),
)


COMMAND_LINE_VARIABLES = {f"{PREFIX}{name}" for name in ("URL", "TOKEN", "PROFILE")}
"""What the command line reads: no settings, but right to have in a shell that starts the local
cloud."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force, by name: `settings.heartbeat_seconds`."""

    database: str
    sqlite: str
    dags_bucket: str
    runs_bucket: str
    backups_bucket: str
    tasks_queue: str
    lambda_memory: str
    fargate: str
    worker_queues: str
    fargate_cluster: str
    fargate_subnets: str
    fargate_security_group: str
    fargate_execution_role: str
    fargate_sidecar_role: str
    fargate_spot: str
    fargate_disk_gb: int
    results_queue: str
    dead_letter_queue: str
    claims_table: str
    claims_on_s3_until: datetime | None
    images: str
    heartbeat_seconds: float
    silence_seconds: float
    resend_seconds: float
    reconcile_seconds: float
    retention_days: int
    backups_daily: int
    backups_weekly: int
    backups_monthly: int
    auth: str
    editor: str
    page_url: str
    email_from: str
    smtp_url: str
    pagerduty_url: str
    task_layers: str
    task_role: str
    architecture: str
    log_level: str
    home: str
    path: str
    dags_dir: str
    parallelism: int
    tick_seconds: float
    s3_port: int


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of `environ` (default: this process's). Raises BadSetting, naming all bad
    ones and, but for Lambda, all variables with our prefix that are no setting: on Lambda they may
    belong to a version that came before or after this one, so they only cause a warning."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text = environ.get(setting.variable)
        if text is None or text == "":
            values[setting.name.lower()] = setting.default
            continue
        try:
            values[setting.name.lower()] = setting.parse(text)
        except ValueError as error:
            problems.append(f"{setting.variable}={text!r}: {error}")
    if not is_lambda(environ):
        problems += unknown(environ)
    if problems:
        raise BadSetting("; ".join(problems))
    return Settings(**values)


def unknown(environ: Mapping[str, str] | None = None) -> list[str]:
    """A line for each variable with our prefix that is no setting."""
    environ = os.environ if environ is None else environ
    known = {setting.variable for setting in SETTINGS} | COMMAND_LINE_VARIABLES
    return [
        f"{name}: no such setting{_nearest(name, known)}"
        for name in environ
        if name.startswith(PREFIX) and name not in known
    ]


def _nearest(name: str, known: set[str]) -> str:
    from difflib import get_close_matches  # for a mistake only; every Lambda loads this module

    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
