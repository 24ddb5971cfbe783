"""The fields of `_defaults.yaml`, and of a pool in it."""

from __future__ import annotations

from chalicelib.dag.language.fields.dag import DAG_FIELDS
from chalicelib.dag.language.fields.field import Field, Kind

_OF_DAG = {field.name: field for field in DAG_FIELDS}

SHARED_FIELDS: tuple[Field, ...] = (
    _OF_DAG["default_args"],
    _OF_DAG["env"],
    Field("tags", Kind.TEXTS, "The tags of DAGs that have none of their own.", default=()),
    *(
        Field(
            name,
            Kind.NOTIFICATIONS,
            f"The `{name}` of DAGs that have none of their own.",
            default=(),
        )
        for name in ("on_success", "on_partial_success", "on_failure")
    ),
    Field(
        "on_problem",
        Kind.NOTIFICATIONS,
        "Notifications about what belongs to no run: a file here that cannot be registered; in the "
        "bucket's top folder also a tick that fails, and a message that is set aside.",
        default=(),
    ),
    Field(
        "pools",
        Kind.POOLS,
        "Pools for tasks of all folders: `name: slots`, or `name: {slots, description}`.",
        default={},
    ),
)

POOL_FIELDS: tuple[Field, ...] = (
    Field("slots", Kind.INTEGER, "Its capacity.", required=True, high=1_000_000),
    Field("description", Kind.TEXT, "What it protects."),
)
