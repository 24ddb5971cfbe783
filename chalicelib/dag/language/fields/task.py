"""The fields of a task, of `default_args` and of a sensor."""

from __future__ import annotations

from chalicelib.dag.constraints import MAX_MEMORY_MB
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.places import FARGATE_SECONDS

TASK_FIELDS: tuple[Field, ...] = (
    Field(
        "id",
        Kind.ID,
        "Identifies the task within the DAG: at most 100 letters, digits, `_`, `-` and `.`.",
        aliases=("task_id",),
        required=True,
    ),
    Field(
        "command",
        Kind.COMMAND,
        "The command to run, with `bash -c` if bash is installed, else with `sh -c`; at most "
        "64 KiB. May contain templates, whose values are quoted for the shell. Text that begins "
        "with `#!` is a script, run by the program on that line.",
        default="",
        aliases=("bash_command",),
        shown_default="required, or `trigger_dag_id`",
    ),
    Field("dependencies", Kind.IDS, "The tasks that must end before this one.", default=()),
    Field(
        "group",
        Kind.NAME,
        "The name of a group of tasks that the page's graph can fold into one box. Without one, "
        "the graph of a large DAG groups tasks by the beginning of their ids.",
    ),
    Field(
        "trigger_rule",
        Kind.RULE,
        "How the dependencies must end for the task to run, in Airflow's words: "
        "`all_success`, `all_failed`, `all_done`, `all_skipped`, `one_success`, `one_failed`, "
        "`one_done`, `none_failed`, `none_failed_min_one_success`, `none_skipped`, `always`.",
        default="all_success",
    ),
    Field(
        "when",
        Kind.TEST,
        "A test to run before the command, in the same way. Exit code 0 runs the command, 1 skips "
        "the task, and anything else (2 and above, a signal, a command not found, a syntax error) "
        "fails the attempt, as with `test` and `grep`. May contain templates.",
        needs=("command",),
    ),
    Field(
        "retries",
        Kind.INTEGER,
        "How many more attempts to make after the first one fails.",
        default=0,
        high=1000,
    ),
    Field(
        "retry_delay",
        Kind.DURATION,
        "How long to wait between the end of an attempt and the next one.",
        default=300.0,
        high=7 * 86_400,
    ),
    Field(
        "retry_exponential_backoff",
        Kind.FACTOR,
        "Multiply the delay by this number after each attempt; 0 or `false` keeps it constant.",
        default=0.0,
        low=1,
        high=100,
        needs=("retries",),
        shown_default="`0`",
    ),
    Field(
        "max_retry_delay",
        Kind.DURATION,
        "The longest delay. It never exceeds 7d in any case.",
        low=0.001,
        high=7 * 86_400,
        needs=("retry_exponential_backoff",),
    ),
    Field(
        "retry_exit_codes",
        Kind.CODES,
        "Retry only if the command exits with one of these codes. An attempt that was lost, timed "
        "out, was ended by a signal or failed in `when` has no exit code and is always retried.",
        needs=("command", "retries"),
        shown_default="every one but 0",
    ),
    Field(
        "skip_on_exit_code",
        Kind.CODES,
        "Skip the task, instead of failing it, if the command exits with one of these codes.",
        default=(),
        needs=("command",),
    ),
    Field(
        "execution_timeout",
        Kind.DURATION,
        "How long an attempt may take. After that it is stopped and fails. At most 14d; more than "
        "14m30s needs Fargate or a worker.",
        aliases=("timeout",),
        low=0.001,
        high=FARGATE_SECONDS,
        needs=("command",),
        shown_default="what the place allows",
    ),
    Field(
        "env",
        Kind.ENV,
        "Environment variables, which override those of the DAG. Values may contain templates.",
        default={},
        needs=("command",),
    ),
    Field(
        "cwd",
        Kind.NAME,
        "The directory that the command runs in. A relative one lies in the fresh directory, "
        "beside what `files` brings; the files are never copied into any other.",
        needs=("command",),
        shown_default="a fresh directory",
    ),
    Field(
        "outputs",
        Kind.OUTPUTS,
        "Names of the values that the command writes to the file `$DAG_OUTPUT`, as `name=value` "
        "lines or `name<<EOF` blocks; 32 KiB together. A value stays the text that was written, "
        "and is read as JSON where a template needs a part of it or a list. Downstream tasks read "
        "it as `{{ outputs.task.name }}`, direct ones also from `$OUTPUT_<TASK>_<NAME>`.",
        default=(),
        needs=("command",),
    ),
    Field(
        "artifacts",
        Kind.ARTIFACTS,
        "Files and folders that the command leaves in its working directory, to be kept with the "
        "run and handed to later tasks: `name: path`. At most 5 GiB each. A folder is kept as a "
        "tar archive. Secrets are not masked in files.",
        default={},
        needs=("command",),
    ),
    Field(
        "inputs",
        Kind.INPUTS,
        "Artifacts of upstream tasks, direct or not, to be put into the working directory before "
        "the command starts: `path: task.artifact`. That of a mapped task is a folder with one "
        "entry for each map index.",
        default={},
        needs=("command",),
    ),
    Field(
        "expand",
        Kind.EXPAND,
        "Runs one mapped instance of the task for each item, which it finds in `$NAME`: `NAME: "
        '[one, two]` or `NAME: "{{ outputs.task.name }}"`. Several names give one instance for '
        "every combination, at most 10,000.",
        default={},
        needs=("command",),
    ),
    Field(
        "max_active_tis_per_dagrun",
        Kind.INTEGER,
        "The most mapped instances of the task at once in a run.",
        low=1,
        high=10_000,
        needs=("expand",),
    ),
    Field(
        "sensor",
        Kind.SENSOR,
        "Makes the command a sensor: it runs every `poke_interval` (1m) until it exits with 0. "
        "After `timeout` (7d) the task fails, or is skipped with `soft_fail: true`. Between pokes "
        "the task holds no slot and costs nothing.",
        needs=("command",),
    ),
    Field(
        "pool",
        Kind.POOL,
        "The pool that limits this task together with those of other DAGs; pools are set with the "
        "API. At most 100 letters, digits, `_`, `-` and `.`.",
        needs=("command",),
    ),
    Field(
        "pool_slots",
        Kind.INTEGER,
        "How many slots of the pool an attempt takes.",
        default=1,
        low=1,
        high=10_000,
        needs=("command", "pool"),
    ),
    Field(
        "image",
        Kind.IMAGE,
        "The container image to run the command in, such as `python:3.13-slim`; any that has `sh`. "
        "It needs Fargate or a worker; `chalice local` uses Docker or Podman.",
        needs=("command",),
    ),
    Field(
        "memory",
        Kind.MEMORY,
        "How much memory the command needs, such as `512M` or `2G`. The task runs in the smallest "
        "Lambda size that has it, else on Fargate, which sells certain sizes only: the next larger "
        "one is taken.",
        needs=("command",),
        low=1,
        high=MAX_MEMORY_MB,
        shown_default="what the place has",
    ),
    Field(
        "cpu",
        Kind.NUMBER,
        "How many vCPUs the command needs, such as `0.5` or `2`. Only Fargate and workers have a "
        "choice; Lambda gives a vCPU for each 1769 MB.",
        needs=("command",),
        low=0.01,
        high=256,
        shown_default="what the place has",
    ),
    Field(
        "queue",
        Kind.QUEUE,
        "The worker queue that runs the task, on machines of your own. At most 30 letters, digits, "
        "`_` and `-`.",
        needs=("command",),
    ),
    Field(
        "priority_weight",
        Kind.INTEGER,
        "Which task starts first at a limit: the one with the higher weight, then the one that has "
        "waited longer.",
        default=1,
        low=-1_000_000,
        high=1_000_000,
    ),
    Field(
        "depends_on_past",
        Kind.BOOL,
        "Whether the task waits until it succeeded or was skipped in the previous run.",
        default=False,
    ),
    Field(
        "trigger_dag_id",
        Kind.ID,
        "The DAG to start a run of, instead of running a command.",
    ),
    Field(
        "conf",
        Kind.CONF,
        "The params of that run. Texts may contain templates.",
        default={},
        needs=("trigger_dag_id",),
    ),
    Field(
        "wait_for_completion",
        Kind.BOOL,
        "Whether the task waits for that run to end, and fails if it fails.",
        default=False,
        needs=("trigger_dag_id",),
    ),
    Field(
        "on_retry",
        Kind.NOTIFICATIONS,
        "Notifications to send when an attempt fails and will be retried.",
        default=(),
        needs=("retries",),
    ),
    Field(
        "on_success",
        Kind.NOTIFICATIONS,
        "Notifications to send when the task succeeds.",
        default=(),
    ),
    Field(
        "on_failure", Kind.NOTIFICATIONS, "Notifications to send when the task fails.", default=()
    ),
)

NOT_IN_DEFAULTS = ("id", "dependencies", "inputs")
DEFAULT_FIELDS = tuple(field for field in TASK_FIELDS if field.name not in NOT_IN_DEFAULTS)

SENSOR_FIELDS: tuple[Field, ...] = (
    Field(
        "poke_interval",
        Kind.DURATION,
        "How long to wait between the end of a poke and the next one.",
        default=60.0,
        low=1,
        high=7 * 86_400,
    ),
    Field(
        "timeout",
        Kind.DURATION,
        "How long to keep poking, counted from the first poke.",
        default=7 * 86_400.0,
        low=1,
        high=366 * 86_400,
    ),
    Field(
        "soft_fail",
        Kind.BOOL,
        "Whether the timeout skips the task instead of failing it.",
        default=False,
    ),
)
