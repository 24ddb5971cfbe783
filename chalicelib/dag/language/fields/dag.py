"""The fields of the DAG itself and of a param."""

from __future__ import annotations

from chalicelib.dag.evaluate.params import TYPES
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.enums import OverlapPolicy, words

DAG_FIELDS: tuple[Field, ...] = (
    Field("name", Kind.NAME, "The name that people see.", required=True),
    Field(
        "dag_id",
        Kind.ID,
        "Identifies the DAG, also in URLs: at most 100 letters, digits, `_`, `-` and `.`. By "
        "default the name in lower case, with everything but letters and digits replaced by single "
        "underscores.",
        shown_default="from `name`",
    ),
    Field("description", Kind.TEXT, "One or two sentences for people."),
    Field("doc_md", Kind.TEXT, "Longer documentation, in Markdown."),
    Field("owner", Kind.NAME, "The person or team to ask."),
    Field("tags", Kind.TEXTS, "Labels to filter lists by.", default=()),
    Field(
        "schedule",
        Kind.SCHEDULE,
        "When the DAG runs: a cron expression with five fields, or six with the seconds last; "
        "`@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`; `@every 10s`, counted from "
        "`start_date`, else from 1970-01-01T00:00Z; a list of these; or null to run on request "
        "only. If both the day of the month and the weekday are restricted, either may match.",
        default=(),
    ),
    Field(
        "timezone",
        Kind.TIMEZONE,
        "The time zone of the schedule, such as `Europe/Berlin`. A local time that is skipped when "
        "clocks go forward runs once, right after the gap; one that occurs twice when they go back "
        "runs once, the first time. Expressions whose minute or hour begins with `*`, or lists "
        "every value as `0-59` and `0-23` do, follow real time.",
        default="UTC",
    ),
    Field(
        "start_date",
        Kind.DATE,
        "The schedule does not fire before this time. Without an offset, it is local time in "
        "`timezone`.",
    ),
    Field(
        "end_date",
        Kind.DATE,
        "The schedule does not fire after this time. A date without a time includes the whole day.",
    ),
    Field(
        "catchup",
        Kind.BOOL,
        "After an outage, `true` runs every missed fire time in order, `false` only the latest.",
        default=False,
        needs=("schedule",),
    ),
    Field(
        "catchup_window",
        Kind.DURATION,
        "How far to look back for missed fire times.",
        default=7 * 86_400.0,
        low=1,
        high=366 * 86_400,
        needs=("schedule",),
    ),
    Field(
        "params",
        Kind.PARAMS,
        "Values that a run can be given: `name: default`, or `name: {type, default, description, "
        "enum, minimum, maximum, pattern, required}`. Commands read them from `$PARAM_<NAME>`, "
        "templates from `params.<name>`.",
        default=(),
    ),
    Field(
        "env",
        Kind.ENV,
        "Environment variables for every command. Values may contain templates.",
        default={},
    ),
    Field(
        "secrets",
        Kind.SECRETS,
        "Environment variables whose values are fetched when a command starts, masked in its logs "
        "and never stored: `NAME: ssm:/path`, `NAME: secretsmanager:id`, "
        "`NAME: secretsmanager:id#key` (one value of a JSON secret), `NAME: env:OTHER`.",
        default={},
    ),
    Field(
        "tools",
        Kind.TOOLS,
        "Programs for the commands of all tasks, first on their `PATH`: `NAME: {url, sha256, "
        "path}`. Fetched once per machine and verified each time. At most 20, of 200 MiB each.",
        default=(),
    ),
    Field(
        "files",
        Kind.FILES,
        "Names and patterns of files beside the DAG file, such as `scripts/*.py` or `sql/`, which "
        "every command finds under the same names in its working directory; `$DAG_FILES` names "
        "that directory, also for a command with a `cwd` of its own. `*`, `?`, `[...]` and, for "
        "folders, `**` stand for names that do not begin with a dot; `folder/` is everything in "
        "the folder. At most 1,000 files and 50 MiB together. A file is executable if its metadata "
        "says so, or it begins with `#!` or is a program.",
        default=(),
    ),
    Field(
        "default_args",
        Kind.DEFAULTS,
        "Defaults for the keys of every task, except `id` and `dependencies`. A task's own keys "
        "take precedence, and a default that has no effect on a task is ignored there.",
        default={},
    ),
    Field(
        "is_paused_upon_creation",
        Kind.BOOL,
        "Whether a new DAG starts paused, so that its schedule waits until someone unpauses it.",
        default=False,
    ),
    Field(
        "max_active_runs",
        Kind.INTEGER,
        "The most runs at once.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field(
        "overlap_policy",
        Kind.CHOICE,
        "What happens to a new run at that limit: `queue` it, `skip` it, or `replace` the oldest, "
        "which is cancelled. Backfill runs are always queued.",
        default="queue",
        choices=words(OverlapPolicy),
    ),
    Field(
        "max_active_tasks",
        Kind.INTEGER,
        "The most attempts of this DAG at once; more wait.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field(
        "dagrun_timeout",
        Kind.DURATION,
        "How long a run may take. After that it fails, and its remaining tasks are stopped.",
        low=1,
        high=366 * 86_400,
    ),
    Field(
        "max_consecutive_failed_dag_runs",
        Kind.INTEGER,
        "Pause the DAG after this many failed runs in a row; 0 means never.",
        default=0,
        high=10_000,
    ),
    Field(
        "retention_days",
        Kind.INTEGER,
        "How many days finished runs are kept.",
        low=1,
        high=3650,
        shown_default="the setting",
    ),
    Field(
        "rerun_with_latest_version",
        Kind.BOOL,
        "What cleared and retried tasks run with: `true` the latest version of the DAG, `false` "
        "the version of their run. Each request can override this.",
        default=True,
    ),
    Field(
        "on_success", Kind.NOTIFICATIONS, "Notifications to send when a run succeeds.", default=()
    ),
    Field(
        "on_partial_success",
        Kind.NOTIFICATIONS,
        "Notifications to send when a run succeeds although a task of it failed, besides those of "
        "`on_success`.",
        default=(),
    ),
    Field("on_failure", Kind.NOTIFICATIONS, "Notifications to send when a run fails.", default=()),
    Field("tasks", Kind.TASKS, "The tasks: 1 to 1000 of them.", required=True),
)

TOOL_FIELDS: tuple[Field, ...] = (
    Field(
        "url",
        Kind.URL,
        "Where to fetch it: `https://...` or `s3://bucket/key`. Redirects are followed, but only "
        "to HTTPS and to public addresses. A bucket is read with the role of commands.",
        required=True,
    ),
    Field(
        "sha256",
        Kind.SHA256,
        "The SHA-256 of what is at the URL, in 64 hexadecimal digits.",
        required=True,
    ),
    Field(
        "path",
        Kind.PATH,
        "Where the program lies in the archive at the URL, a `.tar.gz` or `.zip` of at most "
        "400 MiB unpacked.",
        shown_default="none: the program itself is at the URL",
    ),
)

PARAM_FIELDS: tuple[Field, ...] = (
    Field(
        "type",
        Kind.CHOICE,
        "The type of the value.",
        choices=tuple(TYPES),
        shown_default="as `default`",
    ),
    Field("default", Kind.JSON, "The value if a run is given none. May contain templates."),
    Field("description", Kind.TEXT, "One or two sentences for people."),
    Field("enum", Kind.VALUES, "The only values allowed."),
    Field("minimum", Kind.NUMBER, "The smallest number allowed."),
    Field("maximum", Kind.NUMBER, "The largest number allowed."),
    Field(
        "pattern",
        Kind.PATTERN,
        "A regular expression that the whole text must match, in RE2's syntax: no lookahead, no "
        "backreferences; `\\d`, `\\w` and `\\s` match ASCII only, `\\pL` any letter.",
    ),
    Field(
        "required",
        Kind.BOOL,
        "Whether every run must be given a value. Not possible with a schedule, which gives none.",
        default=False,
    ),
)
