"""The JSON Schemas of what is answered, made from the very classes that answers are made from."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from chalicelib.database.reads import values
from chalicelib.notification_kinds import KINDS, KindName
from chalicelib.ports import QueueDepth
from chalicelib.web import prices, response_models

Schema = dict[str, Any]

# A name means the same wherever it stands.
HELP: dict[str, str] = {
    "acknowledged_at": "when its failure was set aside; null again once it runs again",
    "acknowledged_by": "who set it aside",
    "acknowledged_note": "what is known of the failure",
    "actions": "what may be done to it as it stands",
    "admitted_at": "when it was given one of its DAG's max_active_runs slots",
    "age_seconds": "how long ago it began",
    "attempts": "those that have ended, newest first",
    "basis": "`billed`: by Lambda's own figures; `estimated`: it did not run there, and the time"
    " that it took is priced as if at 128 MB",
    "billed_ms": "milliseconds that Lambda charges for",
    "commit_seq": "number of the last commit",
    "complete": "nothing will follow",
    "counts": "what was done, as numbers by name",
    "dag_id": "identity of the DAG, in URLs",
    "data_interval_start": "the fire time before the logical date",
    "due_at": "when it is sent again, null once it is delivered or given up",
    "duration": "seconds from started_at to ended_at",
    "execution_timeout": "seconds",
    "file_key": "the object in the dags bucket",
    "has_import_error": "the file was changed since and is broken; the last good version is active",
    "heartbeat_at": "when its executor last said that it runs",
    "import_errors": "files that could not be registered",
    "holder_count": "how many are in the way, of which `holders` names the first",
    "item": "what this copy of an expanded task is for",
    "latest_version": "the version of the file as it is now, null if it was removed",
    "log_bytes": "length of the whole log",
    "logical_date": "the fire time, or the moment that was asked for",
    "map_index": "which copy of an expanded task; -1 for a task that is not expanded",
    "max_active_runs": "runs of the DAG at once",
    "max_active_tasks": "attempts of the DAG at once",
    "max_rss_bytes": "peak memory of the command",
    "memory_mb": "megabytes that Lambda gave",
    "next_cursor": "`cursor` of the next page, null at the end; a page that is filtered may hold"
    " fewer than `limit` and still not be the last",
    "next_fire_at": "null while nothing is to come, or paused",
    "next_offset": "`offset` to go on from",
    "not_before": "the attempt does not start earlier",
    "outputs": "what it wrote to $DAG_OUTPUT when it last succeeded",
    "paused_reason": "why, where the orchestrator paused it itself",
    "problem": "what was raised when something of the DAG was last left out, null once"
    " that went through or was ended",
    "poke": "how often a sensor was asked, or a command started, again within the attempt",
    "pokes": "how often a sensor was asked, or a command started, again",
    "position": "place in the queue, counted from 1; null where there is none, or beyond 1000",
    "reason": "why it is in this state, empty where nothing is to say",
    "removed_at": "of a DAG, when its file was removed from the bucket; of a task of a run, when"
    " the run took a version that has it no more; null while it is there",
    "requests": "of Lambda, SQS and S3 together",
    "retry_delay": "seconds",
    "run_version": "the version that the run had",
    "schedule": "expressions, none: only on request",
    "secrets": "references by variable, never the secrets themselves",
    "set_aside": "messages that could not be applied, kept for inspection",
    "signal": "that ended the command",
    "since": "earlier runs are not counted; null: all that is kept is",
    "stopping": "how it will end once nothing of it runs any more",
    "try_number": "attempts so far, or which attempt; 0 before the first",
    "until": "when that is over, where it is known",
    "version": "number of the definition, counted from 1 for each DAG",
    "waiting": "tasks that are ready and have no slot",
    "waiting_for": "what keeps it from going on: nothing while it runs or once it has ended; null"
    " in lists after the first hundred that wait",
    "warning_count": "of its file",
    "warnings": "what is legal in the file and probably not meant; `code` says what it is about",
    "who": "the caller: name of the token, ARN under IAM, or `local`",
}

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}

NEXT_CURSOR: Schema = {"type": ["string", "null"], "description": HELP["next_cursor"]}


def components() -> dict[str, Schema]:
    """Every schema by the name that the table of routes uses."""
    return {name: make() for name, make in _COMPONENTS.items()}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _of_class(cls: type[Any]) -> Schema:
    hints = get_type_hints(cls)
    properties = {
        spec.name: _described(spec.name, _of_type(hints[spec.name])) for spec in fields(cls)
    }
    summary = (cls.__doc__ or "").partition("\n\n")[0]
    return {"description": " ".join(summary.split()), **_object(properties)}


def _described(name: str, schema: Schema) -> Schema:
    return {**schema, "description": HELP[name]} if name in HELP else schema


def _of_type(hint: Any) -> Schema:
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if hint is KindName:
        return {"type": "string", "enum": list(KINDS)}
    if is_dataclass(hint):
        return ref(_NAMES[hint])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [member.value for member in hint]}
    return _of_generic(get_origin(hint), get_args(hint))


def _of_generic(origin: Any, arguments: tuple[Any, ...]) -> Schema:
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (types.UnionType, Union):
        return _of_union(arguments)
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    if origin in (tuple, list):
        return {"type": "array", "items": _of_type(arguments[0])}
    raise TypeError(f"no schema for {origin}[{arguments}]")


def _of_union(arguments: tuple[Any, ...]) -> Schema:
    schemas = [_of_type(one) for one in arguments if one is not type(None)]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return _nullable(schema) if type(None) in arguments else schema


def _nullable(schema: Schema) -> Schema:
    if set(schema) <= {"type", "format"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _page(name: str, item: str) -> Schema:
    return _object({name: array_of(item), "next_cursor": NEXT_CURSOR})


def _extended(name: str, properties: dict[str, Schema]) -> Schema:
    return {"allOf": [ref(name), _object(properties)]}


def _health() -> Schema:
    """A stranger is told no more than the status."""
    return {**_of_class(response_models.Health), "required": ["status"]}


def _error() -> Schema:
    described = {
        "code": {"type": "string", "description": "a stable word for programs"},
        "message": {"type": "string", "description": "what is wrong, where, and what to do"},
        "details": {"type": "object", "description": "more, by code"},
    }
    return _object({"error": _object(described)})


_CLASSES: dict[str, type[Any]] = {
    "Attempt": values.AttemptItem,
    "AuditEntry": values.AuditItem,
    "Backfill": values.BackfillItem,
    "BackfillPlan": response_models.BackfillPlan,
    "ChangedDags": response_models.ChangedDags,
    "ChangedRuns": response_models.ChangedRuns,
    "ClearedTask": response_models.ClearedTask,
    "ClearedTasks": response_models.ClearedTasks,
    "Cost": prices.Cost,
    "Dag": values.DagItem,
    "DagDefinition": values.Dag,
    "DagWithTasks": values.DagDetail,
    "DagSource": values.DagSource,
    "DagVersion": values.DagVersion,
    "DagWarning": values.DagWarning,
    "DagWarnings": values.DagWarningsItem,
    "DatabaseHealth": response_models.DatabaseHealth,
    "Edge": values.Edge,
    "Graph": values.Graph,
    "Health": response_models.Health,
    "Holder": values.Holder,
    "ImportError": values.ImportErrorItem,
    "LastRun": values.LastRun,
    "LastTick": response_models.LastTick,
    "LogPart": response_models.LogPart,
    "NextFireTimes": response_models.NextFireTimes,
    "Notification": values.NotificationItem,
    "NotificationTarget": values.Notification,
    "Param": values.Param,
    "Pool": values.PoolItem,
    "Problem": values.Problem,
    "QueueDepth": QueueDepth,
    "Queues": response_models.Queues,
    "Run": values.RunItem,
    "RunWithParams": values.RunDetail,
    "Sensor": values.Sensor,
    "Session": response_models.Session,
    "SourceLine": values.SourceLine,
    "Tag": values.TagItem,
    "Task": values.Task,
    "TaskChange": values.TaskChange,
    "TaskInstance": values.TaskInstanceItem,
    "TaskInstanceWithOutputs": values.TaskInstanceDetail,
    "Tick": values.TickItem,
    "ValidatedDag": response_models.ValidatedDag,
    "WaitingFor": values.WaitingFor,
    "VersionDiff": values.VersionDiff,
}
_NAMES: dict[Any, str] = {cls: name for name, cls in _CLASSES.items()}

_COMPONENTS: dict[str, Callable[[], Schema]] = {
    "Error": _error,
    **{name: partial(_of_class, cls) for name, cls in _CLASSES.items()},
    "AuditList": partial(_page, "audit", "AuditEntry"),
    "BackfillList": partial(_page, "backfills", "Backfill"),
    "DagDetail": lambda: _extended("DagWithTasks", {"cost": ref("Cost")}),
    "DagList": partial(_page, "dags", "Dag"),
    "DagWarningsList": partial(_page, "dag_warnings", "DagWarnings"),
    "DagVersionList": partial(_page, "versions", "DagVersion"),
    "Health": _health,
    "ImportErrorList": partial(_page, "import_errors", "ImportError"),
    "JsonSchema": lambda: {"type": "object"},
    "NotificationList": partial(_page, "notifications", "Notification"),
    "OpenApi": lambda: {"type": "object"},
    "PoolList": partial(_page, "pools", "Pool"),
    "RunDetail": lambda: _extended(
        "RunWithParams",
        {
            "cost": ref("Cost"),
            "task_instances": array_of("TaskInstance"),
            "next_cursor": NEXT_CURSOR,
        },
    ),
    "RunList": partial(_page, "runs", "Run"),
    "TaskInstanceDetail": lambda: _extended(
        "TaskInstanceWithOutputs", {"attempts": array_of("Attempt")}
    ),
    "TaskInstanceList": partial(_page, "task_instances", "TaskInstance"),
    "TagList": partial(_page, "tags", "Tag"),
    "TickList": partial(_page, "ticks", "Tick"),
    "UpcomingDags": lambda: _object({"dags": array_of("Dag")}),
}
