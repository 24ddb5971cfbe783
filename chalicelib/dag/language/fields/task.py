"""The words of a task and of its sensor: a part of the one table in `fields`."""

from __future__ import annotations

from chalicelib.dag.language.fields.field import Field, Kind

TASK_FIELDS: tuple[Field, ...] = (
    Field(
        "id",
        Kind.ID,
        "The identity within the DAG: letters, digits, `_`, `-` and `.`, at most 100.",
        aliases=("task_id",),
        required=True,
    ),
    Field(
        "command",
        Kind.COMMAND,
        "Run by `bash -c` where there is bash, else by `sh -c`; at most 64 KiB; may hold "
        "templates, whose values are quoted for the shell.",
        default="",
        aliases=("bash_command",),
        shown_default="required, or `trigger_dag_id`",
    ),
    Field("dependencies", Kind.IDS, "The tasks that come first.", default=()),
    Field(
        "trigger_rule",
        Kind.RULE,
        "How the dependencies must have ended for the task to run, in Airflow's words: "
        "`all_success`, `all_failed`, `all_done`, `all_skipped`, `one_success`, `one_failed`, "
        "`one_done`, `none_failed`, `none_failed_min_one_success`, `none_skipped`, `always`.",
        default="all_success",
    ),
    Field(
        "when",
        Kind.TEST,
        "Run before the command, like it: exit code 0 runs the command, 1 skips the task, and "
        "anything else (2 and above, a signal, a command not found, a syntax error) is a failed "
        "attempt, as with `test` and `grep`. May hold templates.",
        needs=("command",),
    ),
    Field(
        "retries",
        Kind.INTEGER,
        "Further attempts after the first one fails.",
        default=0,
        high=1000,
    ),
    Field(
        "retry_delay",
        Kind.DURATION,
        "Between the end of an attempt and the next.",
        default=300.0,
        high=7 * 86_400,
    ),
    Field(
        "retry_exponential_backoff",
        Kind.FACTOR,
        "Each delay is the one before it times this number; 0 or `false` for equal delays.",
        default=0.0,
        low=1,
        high=100,
        needs=("retries",),
        shown_default="`0`",
    ),
    Field(
        "max_retry_delay",
        Kind.DURATION,
        "Delays grow no longer than this, in any case no longer than 7d.",
        low=0.001,
        high=7 * 86_400,
        needs=("retry_exponential_backoff",),
    ),
    Field(
        "retry_exit_codes",
        Kind.CODES,
        "Only a command that exits with one of these is tried again. An attempt that was lost, "
        "stopped at its time limit, ended by a signal or failed in `when` has no exit code and "
        "always is.",
        needs=("command", "retries"),
        shown_default="every one but 0",
    ),
    Field(
        "skip_on_exit_code",
        Kind.CODES,
        "A command that exits with one of these has not failed: the task is skipped.",
        default=(),
        needs=("command",),
    ),
    Field(
        "execution_timeout",
        Kind.DURATION,
        "Then the attempt is stopped and has failed. At most 24h; Lambda allows less than 15m.",
        aliases=("timeout",),
        low=0.001,
        high=86_400,
        needs=("command",),
        shown_default="what the executor allows",
    ),
    Field(
        "env",
        Kind.ENV,
        "Environment variables, over those of the DAG; values may be templates.",
        default={},
        needs=("command",),
    ),
    Field(
        "cwd",
        Kind.NAME,
        "The directory that the command runs in.",
        needs=("command",),
        shown_default="a fresh, empty directory",
    ),
    Field(
        "outputs",
        Kind.OUTPUTS,
        "Names that the command promises to write to the file in `$DAG_OUTPUT`, as `name=value` "
        "lines or `name<<EOF` blocks; 32 KiB together. A value stays the text that was written, "
        "and is read as JSON where a template asks for a part of it or a list. Tasks behind it "
        "find them as `{{ outputs.task.name }}`, direct ones also as `$OUTPUT_<TASK>_<NAME>`.",
        default=(),
        needs=("command",),
    ),
    Field(
        "expand",
        Kind.EXPAND,
        "One copy of the task for each item, the item in `$NAME`: `NAME: [one, two]` or `NAME: "
        '"{{ outputs.task.name }}"`. With several names, one for every combination; at most '
        "10,000.",
        default={},
        needs=("command",),
    ),
    Field(
        "max_active_tis_per_dagrun",
        Kind.INTEGER,
        "Copies of the task at once in one run.",
        low=1,
        high=10_000,
        needs=("expand",),
    ),
    Field(
        "sensor",
        Kind.SENSOR,
        "The command is a question, asked again every `poke_interval` (1m) until it exits with 0, "
        "for `timeout` (7d); then the task fails, or with `soft_fail: true` is skipped. In between "
        "nothing is held or paid.",
        needs=("command",),
    ),
    Field(
        "pool",
        Kind.POOL,
        "A limit by this name, shared between DAGs and set over the API: letters, digits, `_`, "
        "`-` and `.`, at most 100.",
        needs=("command",),
    ),
    Field(
        "pool_slots",
        Kind.INTEGER,
        "How much of the pool one attempt takes.",
        default=1,
        low=1,
        high=10_000,
        needs=("command", "pool"),
    ),
    Field(
        "priority_weight",
        Kind.INTEGER,
        "Who goes first when a limit binds: the higher, then who has waited longest.",
        default=1,
        low=-1_000_000,
        high=1_000_000,
    ),
    Field(
        "depends_on_past",
        Kind.BOOL,
        "Whether the task waits until it has succeeded, or was skipped, in the run before.",
        default=False,
    ),
    Field(
        "trigger_dag_id",
        Kind.ID,
        "Start a run of this DAG instead of a command.",
    ),
    Field(
        "conf",
        Kind.CONF,
        "The params of that run; texts may be templates.",
        default={},
        needs=("trigger_dag_id",),
    ),
    Field(
        "wait_for_completion",
        Kind.BOOL,
        "Whether the task lasts as long as that run, and fails with it.",
        default=False,
        needs=("trigger_dag_id",),
    ),
    Field(
        "on_retry",
        Kind.NOTIFICATIONS,
        "Who is told when an attempt failed and the task is tried again.",
        default=(),
        needs=("retries",),
    ),
    Field("on_success", Kind.NOTIFICATIONS, "Who is told when the task succeeded.", default=()),
    Field("on_failure", Kind.NOTIFICATIONS, "Who is told when the task failed.", default=()),
)

NOT_IN_DEFAULTS = ("id", "dependencies")
DEFAULT_FIELDS = tuple(field for field in TASK_FIELDS if field.name not in NOT_IN_DEFAULTS)

SENSOR_FIELDS: tuple[Field, ...] = (
    Field(
        "poke_interval",
        Kind.DURATION,
        "Between the end of a question and the next.",
        default=60.0,
        low=1,
        high=7 * 86_400,
    ),
    Field(
        "timeout",
        Kind.DURATION,
        "How long to ask, from the first question on.",
        default=7 * 86_400.0,
        low=1,
        high=366 * 86_400,
    ),
    Field(
        "soft_fail",
        Kind.BOOL,
        "Whether giving up skips the task instead of failing it.",
        default=False,
    ),
)
