"""The words of the DAG itself and of its params: a part of the one table in `fields`."""

from __future__ import annotations

from chalicelib.dag.evaluate.params import TYPES
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.enums import OverlapPolicy, words

DAG_FIELDS: tuple[Field, ...] = (
    Field("name", Kind.NAME, "What people see.", required=True),
    Field(
        "dag_id",
        Kind.ID,
        "The identity, in URLs: letters, digits, `_`, `-` and `.`, at most 100. Left out, it is "
        "the name in lower case with everything but letters and digits turned into single "
        "underscores.",
        shown_default="from `name`",
    ),
    Field("description", Kind.TEXT, "One or two sentences for people."),
    Field("doc_md", Kind.TEXT, "Longer documentation, in Markdown."),
    Field("owner", Kind.NAME, "Who to ask."),
    Field("tags", Kind.TEXTS, "Words to filter lists by.", default=()),
    Field(
        "schedule",
        Kind.SCHEDULE,
        "When it runs: cron with five fields, or six with the seconds last; `@hourly`, `@daily`, "
        "`@weekly`, `@monthly`, `@yearly`; `@every 10s`, counted from `start_date`, else from "
        "1970-01-01T00:00Z; a list of these; or null: only on request. Where both the day of the "
        "month and the weekday are restricted, either may match.",
        default=(),
    ),
    Field(
        "timezone",
        Kind.TIMEZONE,
        "The zone of the schedule, such as `Europe/Berlin`. A local time that does not exist on "
        "the day clocks go forward runs once, right after the gap; one that exists twice runs "
        "once, the first time. Expressions whose minute or hour begins with `*`, or names all as "
        "`0-59` and `0-23` do, follow real time.",
        default="UTC",
    ),
    Field(
        "start_date",
        Kind.DATE,
        "No fire time before this moment. Without an offset it is local time of `timezone`.",
    ),
    Field(
        "end_date",
        Kind.DATE,
        "No fire time after this moment; a date without a time includes its whole day.",
    ),
    Field(
        "catchup",
        Kind.BOOL,
        "After an outage: `true` makes every missed fire time, in order; `false` only the latest.",
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
        "Values that a run may be given: `name: default`, or `name: {type, default, description, "
        "enum, minimum, maximum, pattern, required}`. Commands find each as `$PARAM_<NAME>`, "
        "templates as `params.<name>`.",
        default=(),
    ),
    Field(
        "env",
        Kind.ENV,
        "Environment variables of every command; values may be templates.",
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
        "default_args",
        Kind.DEFAULTS,
        "Defaults for every task, of every key but `id` and `dependencies`; what a task says "
        "itself comes first, and what would mean nothing to a task is left out there.",
        default={},
    ),
    Field(
        "is_paused_upon_creation",
        Kind.BOOL,
        "Whether the schedule stands still until somebody turns it on.",
        default=False,
    ),
    Field(
        "max_active_runs",
        Kind.INTEGER,
        "Runs at once.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field(
        "overlap_policy",
        Kind.CHOICE,
        "What becomes of a run at that limit: `queue` it, `skip` it, or `replace` (cancel the "
        "oldest). The runs of a backfill always wait.",
        default="queue",
        choices=words(OverlapPolicy),
    ),
    Field(
        "max_active_tasks",
        Kind.INTEGER,
        "Attempts of this DAG at once; further ones wait.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field(
        "dagrun_timeout",
        Kind.DURATION,
        "Then the run fails and what is left of it is stopped.",
        low=1,
        high=366 * 86_400,
    ),
    Field(
        "max_consecutive_failed_dag_runs",
        Kind.INTEGER,
        "After this many failed runs in a row the DAG is paused; 0 for never.",
        default=0,
        high=10_000,
    ),
    Field(
        "retention_days",
        Kind.INTEGER,
        "Finished runs older than this are removed.",
        low=1,
        high=3650,
        shown_default="the setting",
    ),
    Field(
        "rerun_with_latest_version",
        Kind.BOOL,
        "What tasks run with when they run again: `true` the file as it is now, `false` the "
        "version that their run has. Whoever asks may choose otherwise.",
        default=True,
    ),
    Field("on_success", Kind.NOTIFICATIONS, "Who is told when a run succeeded.", default=()),
    Field("on_failure", Kind.NOTIFICATIONS, "Who is told when a run failed.", default=()),
    Field("tasks", Kind.TASKS, "The tasks, at least one, at most 1000.", required=True),
)

PARAM_FIELDS: tuple[Field, ...] = (
    Field(
        "type",
        Kind.CHOICE,
        "What the value must be.",
        choices=tuple(TYPES),
        shown_default="as `default`",
    ),
    Field("default", Kind.JSON, "The value of a run that is given none; may be a template."),
    Field("description", Kind.TEXT, "One or two sentences for people."),
    Field("enum", Kind.VALUES, "The only values possible."),
    Field("minimum", Kind.NUMBER, "The smallest number possible."),
    Field("maximum", Kind.NUMBER, "The largest number possible."),
    Field(
        "pattern",
        Kind.PATTERN,
        "What a text must match as a whole, in RE2's syntax: no lookahead, no backreferences; "
        "`\\d`, `\\w` and `\\s` mean ASCII, and `\\pL` is any letter.",
    ),
    Field(
        "required",
        Kind.BOOL,
        "Whether every run must have a value; with a schedule it needs a default.",
        default=False,
    ),
)
